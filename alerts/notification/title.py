"""The title of a message: what users lose, why and where; pure."""

from collections.abc import Sequence

from alerts.model import Alert, Severity
from alerts.state.annotations import FAILING

# From so many checks on, about more than one service, the services say more than one cause.
MANY_CHECKS = 4


def firing_title(alerts: Sequence[Alert]) -> str:
    """Of alerts in their order, the most severe first."""
    first = alerts[0]
    count = len({alert.identity.check for alert in alerts})
    services = list(dict.fromkeys(alert.service for alert in alerts if alert.service))
    if count >= MANY_CHECKS and len(services) > 1:
        return f"{count} checks fail: {_listed(services)}"
    loss = first.loss if first.severity is Severity.CRITICAL else first.degradation
    if first.identity.rule == FAILING and loss:
        where = "" if first.target in first.summary else f" at {first.target}"
        checks = f", {count} checks" if count > 1 else f" ({first.identity.check})"
        return f"{loss}: {first.summary}{where}{checks}"
    more = f" (and {len(alerts) - 1} more)" if len(alerts) > 1 else ""
    return f"{first.identity.check}: {first.summary}{more}"


def resolved_title(names: Sequence[str], ended: Sequence[Alert]) -> str:
    """Of the checks that an incident was about, and its resolved alerts."""
    closed = {alert.identity.check: alert.closed for alert in ended if alert.closed}
    recovered = [name for name in names if name not in closed]
    if not closed:
        return f"{', '.join(names)} recovered"
    verb = "is" if len(closed) == 1 else "are"
    reason = next(iter(closed.values()))
    said = f"{', '.join(sorted(closed))} {verb} {reason}"
    return f"{', '.join(recovered)} recovered; {said}" if recovered else said


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
