"""Notices of alerting on the status page."""

from collections.abc import Callable, Iterable, Iterator

from alerts.cluster.decisions.quorum import Scope
from alerts.evaluation.own_network import References
from alerts.manager import AlertManager
from alerts.model import Alert, Severity, Silence
from alerts.runbooks.library import is_address
from alerts.silence.maintenance_window import Window
from alerts.silence.matcher import about, is_everything
from probe.core.kind import Check, warnings_of
from probe.core.model import Unit, Verdict
from probe.report.status import ALERT, Notice
from probe.report.text.units import plural, show

_VERDICTS = {Severity.WARNING: Verdict.WARNING, Severity.CRITICAL: Verdict.CRITICAL}

_NOTIFIED = {
    Scope.LOCAL: "notified as a warning of this region",
    Scope.WAITING: "waiting for the other probes",
}


def notices_of(alerts: AlertManager, references: References) -> list[Notice]:
    """Firing alerts, what suppresses them, and notifications that are not delivered."""
    notified = alerts.notified()
    return [
        *_network(references),
        *_peers(alerts),
        *_undelivered(alerts),
        *_suppressions(alerts),
        *(_firing(alerts, alert, notified) for alert in alerts.firing),
    ]


def config_notices(warnings: Iterable[str], checks: Iterable[Check]) -> list[Notice]:
    """Warnings about the configuration as a whole, and those of single checks."""
    texts = (*warnings, *warnings_of(checks))
    return [Notice(Verdict.WARNING, "The configuration", text) for text in texts]


def _network(references: References) -> Iterator[Notice]:
    if references.all_fail:
        text = "All references fail. Targets are not blamed until one of them recovers."
        yield Notice(Verdict.UNKNOWN, "Our own network is down", text)


def _peers(alerts: AlertManager) -> Iterator[Notice]:
    for name, problem in alerts.cluster.peers.problems:
        yield Notice(Verdict.WARNING, f"Peer {name} can't be queried", problem)
    for found in alerts.cluster.setup_problems:
        yield Notice(Verdict.WARNING, "The probes are configured differently", found.text)
    for foreign in alerts.foreign_senders.found:
        title = f"Another cluster sends to the same {foreign.notifier}"
        yield Notice(Verdict.WARNING, title, foreign.text, foreign.seen_at)


def _undelivered(alerts: AlertManager) -> Iterator[Notice]:
    if alerts.refused:
        text = "A receiver rejects what it got permanently: probe alerts list shows which and why."
        title = f"{plural(alerts.refused, 'notification')} could not be delivered"
        yield Notice(Verdict.WARNING, title, text)
    if alerts.problem:
        yield Notice(Verdict.WARNING, "Notifications are kept in memory", alerts.problem)


def _suppressions(alerts: AlertManager) -> Iterator[Notice]:
    for window in alerts.windows:
        text = f"No notifications of {about(window.matches)} until {_moment(window.end)}."
        text = f"{text} {window.reason}"
        yield Notice(_quietly(window), f"Maintenance: {window.name}", text.strip(), window.start)
    for silence in alerts.silences:
        text = f"No notifications of {about(silence.matches)} until {_moment(silence.end)}"
        text = f"{text}, by {silence.author}: {silence.reason}"
        yield Notice(_quietly(silence), f"Silence: {silence.name}", text, silence.start)


def _quietly(reason: Window | Silence) -> Verdict:
    """A page must not look green while all notifications are suppressed."""
    return Verdict.WARNING if is_everything(reason.matches) else Verdict.OK


def _firing(alerts: AlertManager, alert: Alert, notified: Callable[[Alert], str]) -> Notice:
    suppressed_by = alerts.suppressed_by(alert)
    quorum_state = alerts.cluster.quorum_state_of(alert)
    state = _NOTIFIED.get(quorum_state.scope) if quorum_state else None
    if suppressed_by is not None:
        what = "silence" if isinstance(suppressed_by, Silence) else "maintenance"
        state = f"suppressed ({what}: {suppressed_by.name})"
    title = f"{ALERT}{alert.identity.check}"
    view = f", {quorum_state.view}" if quorum_state and quorum_state.view else ""
    text = f"{alert.summary}{view} ({state or notified(alert)})"
    link = alert.runbook if is_address(alert.runbook) else f"/runbooks/{alert.runbook}"
    return Notice(_VERDICTS[alert.severity], title, text, alert.since, link)


def _moment(seconds: float) -> str:
    return show(seconds, Unit.TIMESTAMP)
