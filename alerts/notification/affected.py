"""Checks that fail with an incident and have no alert yet; pure."""

from collections.abc import Mapping
from dataclasses import replace

from alerts.notification.incident import TOGETHER_SECONDS
from alerts.notification.message import AlertGroup
from alerts.state.alert_store import AlertStore
from probe.core.kind import Check


def pending_since(alerts: AlertStore, now: float) -> dict[str, float]:
    """Since when each check has failed that has no alert yet, in seconds since 1970."""
    names = set(alerts.pending)
    found = alerts.suspected(now) if names else []
    return {each.identity.check: each.since for each in found if each.identity.check in names}


def with_affected(
    group: AlertGroup,
    pending: Mapping[str, float],
    checks: Mapping[str, Check],
    *,
    joins: bool,
) -> AlertGroup:
    """An incident with the checks that fail too, not for long enough to be alerts.

    ``pending`` says since when each has failed, in seconds since 1970. They are those of the
    incident's group, and with ``joins`` those that began to fail at the same time.
    """
    if not group.firing:
        return group
    found = [
        checks[name]
        for name, since in sorted(pending.items())
        if name in checks and _belongs(checks[name], since, group, joins=joins)
    ]
    services = dict.fromkeys(check.table.impact.service for check in found)
    return replace(
        group,
        affected=tuple(check.name for check in found),
        affected_services=tuple(filter(None, services)),
    )


def _belongs(check: Check, since: float, group: AlertGroup, *, joins: bool) -> bool:
    if check.table.alert_group == group.subject:
        return True
    together = (abs(since - each.since) <= TOGETHER_SECONDS for each in group.firing)
    return joins and any(together)
