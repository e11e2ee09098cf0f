"""Alerts as they are sent among several probes: the target's fault, or one region's view; pure."""

from msgspec import Struct
from msgspec.structs import replace

from alerts.cluster.decisions.quorum import QuorumState, Scope
from alerts.model import SEEN_FROM, Alert, Severity


class ScopedAlert(Struct, frozen=True):
    """An alert as it is sent among several probes, and in which group. ``waits``: nothing is
    sent of it yet, and nothing is over."""

    alert: Alert
    subject: str
    waits: bool = False


def scope_alert(
    alert: Alert, quorum_state: QuorumState, subject: str, region: str
) -> tuple[ScopedAlert, ...]:
    """A firing alert in the group that it belongs to by its standing; in both while it waits."""
    alert = replace(alert, view=quorum_state.view)
    here = ScopedAlert(seen_here(alert, region), local_group(subject, region))
    if quorum_state.scope is Scope.LOCAL:
        return (here,)
    if quorum_state.scope is Scope.WAITING:
        return (ScopedAlert(alert, subject, waits=True), replace(here, waits=True))
    alone = quorum_state.scope is Scope.ALONE
    summary = f"{alert.summary} ({quorum_state.view})" if alone else alert.summary
    shared = replace(alert, severity=quorum_state.severity, region="", summary=summary)
    return (ScopedAlert(shared, subject),)


def seen_here(alert: Alert, region: str) -> Alert:
    """An alert that one region alone sees: a warning that names it."""
    labels = (*alert.identity.labels, (SEEN_FROM, region))
    return replace(
        alert,
        identity=replace(alert.identity, labels=labels),
        severity=Severity.WARNING,
        summary=f"{alert.summary} (seen from {region} alone)",
    )


def local_group(subject: str, region: str) -> str:
    """The group of what one region alone sees."""
    return f"{subject} ({region})"
