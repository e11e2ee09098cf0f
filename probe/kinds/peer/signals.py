"""What the ``peer`` check measures, its limits, and how both calls become samples."""

from typing import TYPE_CHECKING

from probe.core.model import Aggregation, LimitSide, Signal, Threshold, Unit
from probe.core.recorder import Recorder
from probe.telemetry.shared_signals import (
    ICE_SUCCESS,
    ICE_SUCCESS_LIMITS,
    PEER,
    TURN_SHARE,
    TURN_SHARE_LIMITS,
)

if TYPE_CHECKING:
    from probe.ice.candidate import Path
    from probe.peer.measurement import Attempt

_BY_PATH = ("path",)

SUCCESS = Signal(
    "probe_peer_success",
    Unit.BOOLEAN,
    "Whether the call to the peer came as far as echoes.",
    labels=_BY_PATH,
)


def _reached(name: str, what: str, short: str = "") -> Signal:
    text = f"From the start of gathering until {what}, offer and answer included."
    name = f"probe_peer_{name}_seconds"
    return Signal(name, Unit.SECONDS, text, labels=_BY_PATH, column=short, latency=True)


ICE = _reached("ice_connected", "ICE was connected", "ICE")
DTLS = _reached("dtls_connected", "DTLS was connected")
OPEN = _reached("open", "the data channel was open", "open")
RTT = Signal(
    "probe_peer_rtt_seconds",
    Unit.SECONDS,
    "Echo from the peer over the data channel, median of a run.",
    labels=_BY_PATH,
    column="RTT",
    latency=True,
)
LOSS = Signal(
    "probe_peer_loss_ratio",
    Unit.RATIO,
    "Echoes from the peer that did not come back, of those sent.",
    labels=_BY_PATH,
)
ADDED = Signal(
    "probe_peer_added_latency_seconds",
    Unit.SECONDS,
    "What the relay adds: the relayed round trip less the direct one. Less than nothing where "
    "the way through the relay is the shorter one.",
    column="added",
)
SIGNALS = (ICE, DTLS, OPEN, RTT, LOSS, SUCCESS, ADDED, TURN_SHARE, ICE_SUCCESS)

# A share of fewer runs proves nothing, however extreme.
MIN_RUNS = 6
_WINDOW = 6 * 3600.0
THRESHOLDS = (
    Threshold(
        TURN_SHARE,
        TURN_SHARE_LIMITS,
        Aggregation.RATIO,
        window=_WINDOW,
        minimum_samples=MIN_RUNS,
        optional=True,
    ),
    Threshold(
        ICE_SUCCESS,
        ICE_SUCCESS_LIMITS,
        Aggregation.RATIO,
        bad=LimitSide.BELOW,
        window=_WINDOW,
        minimum_samples=MIN_RUNS,
        optional=True,
    ),
)


def write(path: "Path", attempt: "Attempt", record: Recorder) -> None:
    """Write down how far one call came, and in what time."""
    times = attempt.call.times
    for signal, seconds in ((ICE, times.ice), (DTLS, times.dtls), (OPEN, times.opened)):
        if seconds:
            record.sample(signal, seconds, path=path)
    if attempt.rtt is not None:
        record.sample(RTT, attempt.rtt, path=path)
        record.sample(LOSS, attempt.call.ledger.loss or 0.0, path=path)
    if attempt.call.far is not None and attempt.has_candidates:
        done = attempt.failure is None and bool(attempt.rtt)
        record.sample(SUCCESS, done, path=path)


def write_shares(direct: "Attempt", relayed: "Attempt | None", record: Recorder) -> None:
    """Write down what both calls to a peer elsewhere say together: who connects, and what the
    relay adds."""
    went_relayed = relayed is not None and relayed.call.connected
    connected = direct.call.connected or went_relayed
    if connected or any(each.has_candidates for each in (direct, relayed) if each is not None):
        record.sample(ICE_SUCCESS, connected, source=PEER)
    if connected and direct.has_candidates:
        record.sample(TURN_SHARE, not direct.call.connected, source=PEER)
    if direct.rtt is not None and relayed is not None and relayed.rtt is not None:
        record.sample(ADDED, relayed.rtt - direct.rtt)
