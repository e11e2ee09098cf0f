"""Checks that fail with an incident and have no alert yet; pure."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from alerts.model import Alert
from alerts.notification.message import AlertGroup
from alerts.state.alert_store import AlertStore
from alerts.state.confirmation import TOGETHER_SECONDS, Confirmation
from probe.core.kind import Check

# The end of an incident waits for so many seconds for what still fails with it.
END_WAITS_SECONDS = 120.0


def with_pending(
    groups: Iterable[AlertGroup],
    alerts: AlertStore,
    checks: Mapping[str, Check],
    results: Confirmation,
    now: float,
    *,
    joins: bool,
) -> list[AlertGroup]:
    """Incidents with the checks that fail too, not for long enough to be alerts.

    They are those of the incident's group, and with ``joins`` those that began to fail at the same
    time; then the end of an incident waits for such checks, lest what fires a moment later be a
    second incident of the same cause. ``results`` has the last ones of all checks.
    """
    pending = pending_since(alerts, now)
    if not pending:
        return list(groups)
    found = []
    for each in groups:
        held = joins and _end_waits(each, pending, checks, results, now)
        changed = _with_affected(each, pending, alerts.pending, checks, joins=joins)
        found.append(replace(changed, held=True) if held else changed)
    return found


def pending_since(alerts: AlertStore, now: float) -> dict[str, float]:
    """Since when each check has failed that has no alert yet, in seconds since 1970."""
    names = alerts.pending
    found = alerts.suspected(now, names) if names else []
    return {each.identity.check: each.since for each in found}


def _with_affected(
    group: AlertGroup,
    pending: Mapping[str, float],
    due: Mapping[str, float],
    checks: Mapping[str, Check],
    *,
    joins: bool,
) -> AlertGroup:
    """An incident with the checks that fail too; ``pending`` says since when each has failed,
    ``due`` when its alert fires."""
    if not group.firing:
        return group
    begins = sorted(alert.since for alert in group.firing) if joins else []
    found = [
        checks[name]
        for name, since in sorted(pending.items())
        if name in checks and _belongs(checks[name], since, group, begins)
    ]
    services = dict.fromkeys(check.table.impact.service for check in found)
    return replace(
        group,
        affected=tuple(check.name for check in found),
        affected_services=tuple(filter(None, services)),
        next_fires=min((due[check.name] for check in found), default=math.inf),
    )


def _end_waits(
    group: AlertGroup,
    pending: Mapping[str, float],
    checks: Mapping[str, Check],
    results: Confirmation,
    now: float,
) -> bool:
    """Whether a check of an incident fails that is no alert yet: it was seen to after the last of
    its alerts recovered, or the last one was not seen to recover, but closed. What still fires may
    be for other receivers than what is over."""
    if not group.over:
        return False
    last = max(group.over, key=_end)
    if now - _end(last) >= END_WAITS_SECONDS:
        return False
    begins = sorted(alert.since for alert in group.over)
    return any(
        _belongs(checks[name], since, group, begins)
        and (results.last_failure(name) > _end(last) or (last.closed and not results.works(name)))
        for name, since in pending.items()
        if name in checks
    )


def _end(alert: Alert) -> float:
    return alert.since if alert.ended is None else alert.ended


def _belongs(check: Check, since: float, group: AlertGroup, begins: Sequence[float]) -> bool:
    """Whether a check that has failed ``since`` then is of an incident whose alerts began at these
    times, in order."""
    if check.table.alert_group == group.subject:
        return True
    place = bisect_left(begins, since - TOGETHER_SECONDS)
    return place < len(begins) and begins[place] - since <= TOGETHER_SECONDS
