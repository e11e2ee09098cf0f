"""The title of a message: impact, reason and place; pure."""

import re
from collections import Counter
from collections.abc import Sequence

from alerts.model import Alert, Severity
from probe.core.thresholds import FAILING
from probe.untrusted.text import enumerated

# From so many checks on, and more than one service, the services say more than one cause.
MANY_CHECKS = 8
# A title names at most so many checks, services, or losses besides the first.
MAX_NAMES, MAX_SERVICES, MAX_LOSSES = 4, 6, 2
_ADDRESS = re.compile(r"\b(stuns?|turns?|https?|wss?|rediss?|postgres(ql)?):(//)?[\w\[]")


def firing_title(
    alerts: Sequence[Alert], affected: Sequence[str] = (), affected_services: Sequence[str] = ()
) -> str:
    """Of alerts in their order, the most severe first. Checks that are ``affected`` fail too
    and are no alerts yet."""
    first = representative(alerts)
    count = len({*(alert.identity.check for alert in alerts), *affected})
    worst = [alert for alert in alerts if alert.severity is first.severity]
    services = dict.fromkeys((*(alert.service for alert in worst), *affected_services))
    named = [service for service in services if service]
    if count >= MANY_CHECKS and len(named) > 1:
        # Where nearly every check is a service of its own, what is wrong says more than names.
        what = enumerated(named) if len(named) <= MAX_SERVICES else _usual_summary(alerts)
        return f"{count} checks fail: {what}"
    if loss := loss_of(first):
        where = "" if _names_place(first) else f" at {first.target}"
        checks = f", {count} checks" if count > 1 else f" ({first.identity.check})"
        return f"{loss}: {first.summary}{where}{checks}{_other_losses(first, worst)}"
    more = f" (and {len(alerts) - 1} more)" if len(alerts) > 1 else ""
    others = len(set(affected) - {alert.identity.check for alert in alerts})
    failing = f"; {others} more {'check fails' if others == 1 else 'checks fail'}" if others else ""
    return f"{first.identity.check}: {first.summary}{more}{failing}"


def resolved_title(names: Sequence[str], ended: Sequence[Alert], count: int = 0) -> str:
    """Of the checks that an incident was about (``count`` of them, if not all are known by
    name), and its resolved alerts."""
    if len(names) > MAX_NAMES and not any(alert.closed for alert in ended):
        services = list(dict.fromkeys(alert.service for alert in ended if alert.service))
        about = f": {enumerated(services)}" if 0 < len(services) <= MAX_SERVICES else ""
        return f"{max(count, len(names))} checks recovered{about}"
    closed = {alert.identity.check: alert.closed for alert in ended if alert.closed}
    recovered = [name for name in names if name not in closed]
    if not closed:
        return f"{', '.join(names)} recovered"
    verb = "is" if len(closed) == 1 else "are"
    reason = next(iter(closed.values()))
    summary = f"{', '.join(sorted(closed))} {verb} {reason}"
    return f"{', '.join(recovered)} recovered; {summary}" if recovered else summary


def representative(alerts: Sequence[Alert]) -> Alert:
    """Of the most severe, the first of those that say the same loss most often."""
    usual = next(iter(losses_of(alerts)), "")
    worst = _worst(alerts)
    return next((alert for alert in worst if loss_of(alert) == usual), worst[0])


def losses_of(alerts: Sequence[Alert]) -> list[str]:
    """What users lose by the most severe of some alerts, which are in their order: each loss once,
    the one that most of them say first."""
    losses = Counter(filter(None, map(loss_of, _worst(alerts))))
    return [loss for loss, _ in losses.most_common()]


def _other_losses(first: Alert, worst: Sequence[Alert]) -> str:
    """What users lose besides by other services, where that is as severe; each loss once."""
    others = [alert for alert in worst if alert.service != first.service]
    said = ("", loss_of(first))
    losses = list(dict.fromkeys(loss for loss in map(loss_of, others) if loss not in said))
    return f"; also: {enumerated(losses[:MAX_LOSSES])}" if losses else ""


def _worst(alerts: Sequence[Alert]) -> list[Alert]:
    return [alert for alert in alerts if alert.severity is alerts[0].severity]


def _usual_summary(alerts: Sequence[Alert]) -> str:
    summaries = Counter(alert.summary for alert in alerts)
    (usual, _), *others = summaries.most_common()
    return f"{usual}, and other reasons" if others else usual


def loss_of(alert: Alert) -> str:
    """What users lose by a failure; empty for what is no failure."""
    if alert.identity.rule != FAILING:
        return ""
    return alert.loss if alert.severity is Severity.CRITICAL else alert.degradation


def _names_place(alert: Alert) -> bool:
    """Whether a summary says where it fails: at the target, or behind it (the TURN server whose
    credentials the target issues)."""
    return place_of(alert.target) in alert.summary or bool(_ADDRESS.search(alert.summary))


def place_of(target: str) -> str:
    """Host and port of a target."""
    return re.sub(r"^[a-z]+:(//)?", "", target).partition("/")[0] or target
