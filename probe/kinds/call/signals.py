"""What ``call`` measures, its thresholds, and how a call becomes samples."""

from typing import TYPE_CHECKING

from probe.core.model import Limits, Signal, Threshold, Unit
from probe.core.recorder import Recorder
from probe.turn.statistics import mean_opinion_score, median

if TYPE_CHECKING:
    from probe.call.audio import CallAudio
    from probe.call.local_call import Call

SUCCESS = Signal(
    "probe_call_success",
    Unit.BOOLEAN,
    "Whether the call came as far as echoes over its data channel.",
)


def _reached(name: str, what: str, short: str = "") -> Signal:
    """A moment of the call, in seconds from the start of gathering."""
    text = f"From the start of gathering until {what}."
    # A histogram for each moment of one side is enough.
    latency = "answering" not in name and "offering" not in name
    name = f"probe_call_{name}_seconds"
    return Signal(name, Unit.SECONDS, text, column=short, latency=latency)


GATHERING = _reached("gathering", "the offering side had its candidates")
ICE = _reached("ice_connected", "ICE was connected, seen from the offering side", "ICE")
DTLS = _reached(
    "dtls_connected",
    "DTLS was connected, where media could flow, seen from the offering side",
)
OPEN = _reached("open", "the data channel was open on both sides", "open")
OFFERING_OPEN = _reached("offering_open", "the data channel was open on the offering side")
ANSWERING_GATHERING = _reached("answering_gathering", "the answering side had its candidates")
ANSWERING_ICE = _reached("answering_ice_connected", "ICE was connected on the answering side")
ANSWERING_DTLS = _reached("answering_dtls_connected", "DTLS was connected on the answering side")
ANSWERING_OPEN = _reached("answering_open", "the data channel was open on the answering side")
RETRANSMITTED = Signal(
    "probe_call_retransmitted",
    Unit.BOOLEAN,
    "Whether setting up waited for a retransmission timer of TURN, ICE, DTLS or SCTP: its "
    "times then include a lost packet.",
)
RTT = Signal(
    "probe_call_rtt_seconds",
    Unit.SECONDS,
    "Echo over the data channel, median of a run.",
    column="RTT",
    latency=True,
)
LOSS = Signal(
    "probe_call_loss_ratio",
    Unit.RATIO,
    "Echoes over the unreliable data channel that did not come back, of those sent.",
    display_name="loss",
)

MOS = Signal(
    "probe_call_mos",
    Unit.COUNT,
    "Estimated mean opinion score of a voice call, 1 to 4.5, from RTT and loss (ITU-T G.107).",
)

MEDIA_LOSS = Signal(
    "probe_call_media_loss_ratio",
    Unit.RATIO,
    "Audio packets that did not arrive, of those sent in the worse direction (media = true).",
    column="audio loss",
)
MEDIA_JITTER = Signal(
    "probe_call_media_jitter_seconds",
    Unit.SECONDS,
    "RFC 3550 interarrival jitter of the audio packets, in the worse direction.",
    latency=True,
    display_name="audio jitter",
)
MEDIA_CONCEALED = Signal(
    "probe_call_media_concealed_ratio",
    Unit.RATIO,
    "Estimate of the audio that a decoder has to make up: packets that are lost, or later than a "
    "jitter buffer of 40 to 200 ms waits.",
)
MEDIA_MOS = Signal(
    "probe_call_media_mos",
    Unit.COUNT,
    "Estimated mean opinion score of the audio, 1 to 4.5, from RTT, jitter buffer and concealment "
    "(ITU-T G.107).",
)

MEDIA = (MEDIA_LOSS, MEDIA_JITTER, MEDIA_CONCEALED, MEDIA_MOS)
"""What calls with audio have in addition."""

SIGNALS = (
    ICE,
    OPEN,
    RTT,
    GATHERING,
    DTLS,
    ANSWERING_GATHERING,
    ANSWERING_ICE,
    ANSWERING_DTLS,
    OFFERING_OPEN,
    ANSWERING_OPEN,
    RETRANSMITTED,
    LOSS,
    MOS,
    *MEDIA,
    SUCCESS,
)

THRESHOLDS = (
    Threshold(LOSS, Limits(warning=0.05, critical=0.2), optional=True, hold=60.0),
    Threshold(RTT, Limits(warning=0.4), optional=True, hold=60.0),
    Threshold(MEDIA_LOSS, Limits(warning=0.05, critical=0.2), optional=True, hold=60.0),
    Threshold(MEDIA_JITTER, Limits(warning=0.05), optional=True, hold=60.0),
)


def write(call: "Call", record: Recorder) -> None:
    """Record how far the call came."""
    times = call.times
    reached = {
        GATHERING: times.offering.gathering,
        ICE: times.offering.ice,
        DTLS: times.offering.dtls,
        OPEN: times.opened,
        OFFERING_OPEN: times.offering.opened,
        ANSWERING_GATHERING: times.answering.gathering,
        ANSWERING_ICE: times.answering.ice,
        ANSWERING_DTLS: times.answering.dtls,
        ANSWERING_OPEN: times.answering.opened,
    }
    for signal, seconds in reached.items():
        if seconds:
            record.sample(signal, seconds)
    layers = call.retransmitted
    record.sample(RETRANSMITTED, float(bool(layers)))
    if layers:
        record.facts["retransmitted"] = ", ".join(layers)
    if times.rtts:
        record.sample(RTT, median(times.rtts))
        loss = times.lost / times.sent
        record.sample_ratio(LOSS, loss, times.sent)
        record.sample(MOS, mean_opinion_score(median(times.rtts), 0.0, loss))


def write_media(audio: "CallAudio", rtt: float, record: Recorder) -> None:
    """Record what became of the audio, where any was sent; ``rtt`` is the data channel's."""
    loss, sent = audio.loss
    if not sent:
        return
    record.sample_ratio(MEDIA_LOSS, loss, sent)
    for name, stream in audio.streams.items():
        record.facts[f"audio_{name}"] = f"{len(stream.arrived)} of {len(stream.sent)} packets"
    if all(stream.arrived for stream in audio.streams.values()):
        record.sample(MEDIA_JITTER, audio.jitter)
    record.sample(MEDIA_CONCEALED, audio.concealed)
    record.sample(MEDIA_MOS, audio.mos(rtt))
