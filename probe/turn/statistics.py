"""Statistics of samples: quantiles, RFC 3550 jitter, MOS, and the outcome of each echo."""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

# ITU-T G.107 and G.113 appendix I: default rating without delay and loss; G.711 with packet
# loss concealment.
_R0, _BPL, _IE = 93.2, 25.1, 0.0
# Seconds: a packet of audio, and a jitter buffer of twice the jitter.
_PACKETIZATION, _JITTER_BUFFER = 0.020, 2.0
_DELAY_KNEE_MS = 177.3
MIN_MOS, MAX_MOS = 1.0, 4.5


def median(values: Sequence[float]) -> float:
    """The median. Raises ValueError for no values."""
    return statistics.median(values)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of all values do not exceed (nearest rank).

    So it is always a value that was measured. Raises ValueError for no values or a share
    outside of 0 to 1.
    """
    if not values or not 0 <= share <= 1:
        raise ValueError("a quantile needs values and a share from 0 to 1")
    # Rounded, or 0.95 x 20 is a hair above 19 and takes the twentieth value.
    rank = max(1, math.ceil(round(share * len(values), 9)))
    return sorted(values)[rank - 1]


def jitter(transits: Sequence[float]) -> float:
    """Interarrival jitter by RFC 3550 section 6.4.1, in the unit of ``transits``.

    ``transits`` are (arrival - departure) in the order of arrival; a constant difference
    of the two clocks cancels out. 0 for fewer than two packets.
    """
    estimate = 0.0
    for before, after in itertools.pairwise(transits):
        estimate += (abs(after - before) - estimate) / 16
    return estimate


def mean_opinion_score(rtt: float, jitter: float, loss: float) -> float:
    """From 1 (bad) to 4.5 (excellent), for a path with this round trip and jitter in seconds,
    and this share of packets lost. The E-model's estimate (ITU-T G.107)."""
    delay_ms = 1000 * (rtt / 2 + _JITTER_BUFFER * jitter + _PACKETIZATION)
    delay_impairment = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - _DELAY_KNEE_MS)
    percent = 100 * loss
    loss_impairment = _IE + (95 - _IE) * percent / (percent + _BPL)
    rating = _R0 - delay_impairment - loss_impairment
    if rating <= 0:
        return MIN_MOS
    score = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6
    return min(MAX_MOS, max(MIN_MOS, score))


@dataclass
class EchoLog:
    """The outcome of each numbered packet that was sent to be echoed.

    ``rtts`` maps a number to its round trip in seconds, for packets that came back before
    ``close``; those that came later are ``late``, and lost.
    """

    sent: dict[int, float] = field(default_factory=dict)
    rtts: dict[int, float] = field(default_factory=dict)
    late: int = 0
    duplicates: int = 0
    reordered: int = 0
    _seen: set[int] = field(default_factory=set)
    _highest: int = -1
    _closed: bool = False

    def mark_sent(self, number: int, at: float) -> None:
        """A packet is sent."""
        self.sent[number] = at

    def mark_received(self, number: int, at: float) -> None:
        """A packet came back. Unknown sequence numbers are ignored."""
        if number not in self.sent:
            return
        if number in self._seen:
            self.duplicates += 1
            return
        self._seen.add(number)
        if self._closed:
            self.late += 1
            return
        self.rtts[number] = at - self.sent[number]
        if number < self._highest:
            self.reordered += 1
        self._highest = max(self._highest, number)

    def close(self) -> None:
        """The grace period is over."""
        self._closed = True

    @property
    def is_complete(self) -> bool:
        """Whether every packet that was sent is back."""
        return len(self.rtts) == len(self.sent)

    @property
    def lost(self) -> int:
        """How many have not come back."""
        return len(self.sent) - len(self.rtts)

    @property
    def loss(self) -> float | None:
        """1 - unique received / sent; None where nothing was sent."""
        return 1 - len(self.rtts) / len(self.sent) if self.sent else None
