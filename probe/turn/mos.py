"""Mean opinion score of a voice call, estimated by the E-model (ITU-T G.107)."""

# ITU-T G.107 and G.113 appendix I: default rating without delay and loss; G.711 with packet
# loss concealment.
_R0, _BPL, _IE = 93.2, 25.1, 0.0
# Seconds: a packet of audio, and a jitter buffer of twice the jitter.
_PACKETIZATION, _JITTER_BUFFER = 0.020, 2.0
_DELAY_KNEE_MS = 177.3
LOWEST, HIGHEST = 1.0, 4.5


def mean_opinion_score(rtt: float, jitter: float, loss: float) -> float:
    """From 1 (bad) to 4.5 (excellent), for a path with this round trip and jitter in seconds,
    and this share of packets lost. An estimate: nobody has listened."""
    delay_ms = 1000 * (rtt / 2 + _JITTER_BUFFER * jitter + _PACKETIZATION)
    delay_impairment = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - _DELAY_KNEE_MS)
    percent = 100 * loss
    loss_impairment = _IE + (95 - _IE) * percent / (percent + _BPL)
    rating = _R0 - delay_impairment - loss_impairment
    if rating <= 0:
        return LOWEST
    score = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6
    return min(HIGHEST, max(LOWEST, score))
