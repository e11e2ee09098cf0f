"""Which page an alert leads to, by what failed and why."""

from typing import Any

from probe.core.causes import Cause
from probe.core.kind import Kind
from probe.core.runbooks import ANY_CHECK

OWN_CAUSES: frozenset[str] = frozenset(
    {Cause.OWN_NETWORK, Cause.OWN_RESOURCES, Cause.OWN_STALL, Cause.INTERNAL_ERROR}
)
OVERDUE, NO_DATA = "overdue", "no-data"
NO_DATA_PAGE, PROBE_PAGE = "no-data", "probe-itself"


def slug_for(kind: Kind[Any, Any], rule: str, cause: str = "", *, check: str = "") -> str:
    """The page for an alert, by kind of check, rule and cause.

    ``rule`` is ``failing``, ``no-data``, ``overdue`` or a signal's name. ``check`` is the
    check's name, which distinguishes the frontend from the backend, and issued TURN servers from
    configured ones.
    """
    if rule == OVERDUE or cause in OWN_CAUSES:
        return PROBE_PAGE
    if rule == NO_DATA or cause in (Cause.RATE_LIMITED, Cause.NO_DATA):
        return NO_DATA_PAGE
    if rule == "failing":
        return kind.runbooks.of_failure(cause, check)
    own = [signal.runbook for signal in kind.signals if signal.name == rule and signal.runbook]
    return own[0] if own else kind.runbooks.limits or ANY_CHECK
