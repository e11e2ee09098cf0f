"""What each check finds while something is broken, for tests of whole incidents."""

from collections.abc import Callable, Sequence

from probe.core.causes import Cause
from probe.core.kind import Check
from probe.core.model import Result
from probe.stun.browser_timing import GATHERING_SECONDS
from tests.alerts.checks import plan_of_everything
from tests.alerts.simulation import Says, result

TURN = frozenset({"stun", "allocation", "turn", "call", "crossing", "fallback"})
# What runs in the lab of the issue: nothing that another service says of the target.
KINDS = TURN | {"http", "engineio", "signaling", "postgres", "redis"}

# Of a check: the cause, the message and for how many seconds it runs; None: it works.
Fault = Callable[[Check], tuple[Cause, str, float] | None]


def lab() -> list[Check]:
    """The checks of a lab."""
    return [check for check in plan_of_everything() if check.kind.name in KINDS]


def small_lab() -> list[Check]:
    """Some of each service."""
    wanted = ("health", "signaling", "redis", "allocation-primary-udp", "allocation-backup-udp")
    return [check for check in lab() if check.name in (*wanted, "turn-primary-udp")]


def _fails(check: Check, cause: Cause, message: str) -> tuple[Cause, str, float]:
    return cause, message, 0.1


def _hangs(check: Check) -> tuple[Cause, str, float]:
    seconds = check.table.deadline
    if check.kind.name in TURN:
        seconds = min(seconds, GATHERING_SECONDS)  # as a browser gives the server up
    return Cause.DEADLINE, f"no answer within {seconds:g} s", seconds


def needs_backend(check: Check) -> bool:
    """Whether it asks the backend, for credentials too."""
    asks = check.kind.name in ("http", "engineio", "signaling") and check.name != "frontend"
    return asks or check.name.endswith("-issued")


def backend_is_down(check: Check) -> tuple[Cause, str, float] | None:
    """Nothing listens there."""
    refused = (check, Cause.CONNECT_REFUSED, "connection refused")
    return _fails(*refused) if needs_backend(check) else None


def redis_is_down(check: Check) -> tuple[Cause, str, float] | None:
    """Redis is stopped; the backend says so."""
    if check.name in ("health", "ready"):
        return _fails(check, Cause.SERVICE_DOWN, "redis is down")
    if check.name == "redis":
        return _fails(check, Cause.CONNECT_REFUSED, "connection refused")
    return _hangs(check) if check.name == "signaling" else None


def redis_hangs(check: Check) -> tuple[Cause, str, float] | None:
    """Redis accepts and never answers; the backend doesn't notice."""
    return _hangs(check) if check.name in ("redis", "signaling") else None


def turn_is_down(check: Check) -> tuple[Cause, str, float] | None:
    """No TURN server answers."""
    if check.kind.name not in TURN or check.name == "call-direct":
        return None
    return _fails(check, Cause.CONNECT_REFUSED, "connection refused")


def primary_udp_is_down(check: Check) -> tuple[Cause, str, float] | None:
    """One transport of three."""
    if not check.name.endswith("primary-udp"):
        return None
    return _hangs(check)


def primary_is_down(check: Check) -> tuple[Cause, str, float] | None:
    """One provider of two."""
    if "primary" not in check.name or check.kind.name not in TURN:
        return None
    return _fails(check, Cause.CONNECT_REFUSED, "connection refused")


def everything_is_frozen(check: Check) -> tuple[Cause, str, float] | None:
    """Nothing answers any more."""
    return _hangs(check)


def broken(*times: tuple[float, float, Fault]) -> Says:
    """From when to when what is broken; a run finds what is so when it begins. A run that
    hangs ends when the target is back."""

    def says(check: Check, at: float) -> Result:
        for start, end, fault in times:
            if start <= at < end and (found := fault(check)) is not None:
                cause, message, seconds = found
                if at + seconds > end:
                    return result(check, at, seconds=max(end - at, 0.1))
                return result(check, at, cause=cause, message=message, seconds=seconds)
        return result(check, at)

    return says


def names(checks: Sequence[Check]) -> list[str]:
    """The checks' names."""
    return [check.name for check in checks]
