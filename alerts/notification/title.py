"""The first line of a message: what users lose, where it was seen and why; pure."""

from collections.abc import Sequence

from alerts.model import Alert, Severity
from alerts.state.annotations import FAILING

# From so many checks on, about more than one service, the services say more than one cause.
MANY_CHECKS = 4


def firing_title(alerts: Sequence[Alert]) -> str:
    """Of alerts in their order, the most severe first."""
    first = alerts[0]
    checks = list(dict.fromkeys(alert.identity.check for alert in alerts))
    services = list(dict.fromkeys(alert.service for alert in alerts if alert.service))
    if len(checks) >= MANY_CHECKS and len(services) > 1:
        return f"{len(checks)} checks fail: {_listed(services)}"
    more = f", {len(checks)} checks" if len(checks) > 1 else f" ({first.identity.check})"
    critical = first.severity is Severity.CRITICAL
    loss = first.loss if critical else first.degradation
    if first.identity.rule == FAILING and loss:
        return f"{loss}: {first.summary}{more}"
    more = f" (and {len(checks) - 1} more)" if len(checks) > 1 else ""
    return f"{first.identity.check}: {first.summary}{more}"


def resolved_title(names: Sequence[str], ended: Sequence[Alert]) -> str:
    """Of the checks that an incident was about, and its resolved alerts."""
    closed = {alert.identity.check for alert in ended if alert.closed}
    what = ", ".join(names)
    if names and closed >= set(names):
        verb = "is" if len(names) == 1 else "are"
        return f"{what} {verb} {ended[0].closed}"
    if closed:
        recovered = ", ".join(name for name in names if name not in closed)
        return f"{recovered} recovered; no longer monitored: {', '.join(sorted(closed))}"
    return f"{what} recovered"


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"
