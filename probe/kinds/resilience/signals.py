"""What ``resilience`` measures: times to recovery, and how they become samples."""

from typing import TYPE_CHECKING

from probe.core.model import Signal, Unit
from probe.core.recorder import Recorder

if TYPE_CHECKING:
    from probe.call.liveness import CallRecovery
    from probe.paircam.reconnect import Recovery


def _after(name: str, what: str, short: str = "") -> Signal:
    text = f"From the end of a loss of the network until {what}."
    return Signal(f"probe_resilience_{name}_recovery_seconds", Unit.SECONDS, text, ("loss",), short)


def _out(name: str, what: str) -> Signal:
    text = f"From the start of a loss of the network until {what}."
    return Signal(f"probe_resilience_{name}_out_seconds", Unit.SECONDS, text, ("loss",))


def _seconds(name: str, text: str) -> Signal:
    return Signal(f"probe_resilience_{name}_seconds", Unit.SECONDS, text)


def _count(name: str, text: str) -> Signal:
    return Signal(f"probe_resilience_{name}", Unit.COUNT, text, ("loss",))


_SESSION = "the application answers on a Socket.IO session again"
_PATH = "packets pass on the call's path again, as media would"
_DATA = "messages pass on the call's data channel again, which SCTP's timer may delay"
SESSION_RECOVERY = _after("session", _SESSION, "session back after")
SESSION_OUT = _out("session", _SESSION)
SESSION_ATTEMPTS = _count(
    "session_attempts", "Attempts to reconnect; 0 where the session survived the loss."
)
PATH_RECOVERY = _after("path", _PATH, "call back after")
PATH_OUT = _out("path", _PATH)
DATA_RECOVERY = _after("data", _DATA)
DATA_OUT = _out("data", _DATA)
RESTARTS = _count("ice_restarts", "Restarts of ICE; 0 where the path survived the loss.")
CONSENT_LOST = _seconds(
    "consent_lost", "From the relay's end in mid-call until ICE had failed without consent."
)
CONSENT_RECOVERY = _seconds(
    "consent_recovery", "From there until packets pass after a restart of ICE."
)
RELAY_RECOVERY = _seconds(
    "relay_recovery",
    "From the relay's forgetting the allocation until packets pass after the 437 and a "
    "restart of ICE.",
)
STALE_NONCE = _seconds(
    "stale_nonce", "A Refresh with a stale nonce: 438, and again with a new one."
)
REFRESH = _seconds("refresh", "A Refresh, as a longer call sends it.")
LIFETIME = _seconds("lifetime", "The server's default lifetime of an allocation.")
SIGNALS = (
    SESSION_RECOVERY,
    PATH_RECOVERY,
    DATA_RECOVERY,
    SESSION_OUT,
    SESSION_ATTEMPTS,
    PATH_OUT,
    DATA_OUT,
    RESTARTS,
    CONSENT_LOST,
    CONSENT_RECOVERY,
    RELAY_RECOVERY,
    STALE_NONCE,
    REFRESH,
    LIFETIME,
)


def write_session(found: "Recovery", seconds: float, record: Recorder) -> None:
    """Write down how a session came back from a loss of so many seconds."""
    loss = _label(seconds)
    record.sample(SESSION_RECOVERY, found.recovered, loss=loss)
    record.sample(SESSION_OUT, found.out, loss=loss)
    record.sample(SESSION_ATTEMPTS, found.attempts, loss=loss)


def write_call(found: "CallRecovery", seconds: float, record: Recorder) -> None:
    """Write down how a call came back from a loss of so many seconds."""
    values = {
        PATH_RECOVERY: found.path,
        PATH_OUT: found.path_out,
        DATA_RECOVERY: found.data,
        DATA_OUT: found.data_out,
        RESTARTS: found.restarts,
    }
    for signal, value in values.items():
        record.sample(signal, value, loss=_label(seconds))


def _label(seconds: float) -> str:
    return f"{seconds:g}s"
