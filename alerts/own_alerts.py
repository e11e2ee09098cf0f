"""Alerts about the probe itself, fired and resolved like any other.

They are this probe's alone: no other probe is asked about them, and maintenance windows
apply to them too.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from alerts.model import Alert, Fingerprint, Severity
from alerts.notification.message import AlertGroup
from alerts.outbox.codec import dump_alert, load_alert
from alerts.state.alert_store import Event
from alerts.state.machine import Transition, TransitionType
from probe.storage.json_codec import CodecError

CHECK = "probe-itself"
RUNBOOK = "probe-itself"
_PREFIX = "own:"


class OwnProblem(Struct, frozen=True):
    """Something that is wrong with the probe, in a sentence."""

    summary: str
    severity: Severity = Severity.WARNING


class OwnAlerts:
    """What is wrong with the probe by now; times are in seconds since 1970."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._alerts: dict[str, Alert] = {}
        self._ended: dict[str, Alert] = {}
        self._dirty: set[str] = set()

    @property
    def firing(self) -> list[Alert]:
        """The alerts that fire, the oldest first."""
        return sorted(self._alerts.values(), key=lambda alert: (alert.since, str(alert.identity)))

    @property
    def subject(self) -> str:
        """The incident that they are: one, and this region's own."""
        return f"{CHECK} ({self._region})"

    def update(self, problems: Mapping[str, OwnProblem], now: float) -> list[Event]:
        """These are the problems, by rule; what is not among them is resolved."""
        events = []
        for rule in set(self._alerts) - set(problems):
            over = replace(self._alerts.pop(rule), ended=now)
            self._ended[rule] = over
            self._dirty.add(rule)
            turn = Transition(TransitionType.RESOLVED, over.severity, over.since, now)
            events.append(Event(over, turn))
        for rule, problem in problems.items():
            known = self._alerts.get(rule)
            since = known.since if known else now
            made = self._made(rule, problem, since)
            if made != known:
                self._alerts[rule] = made
                self._dirty.add(rule)
            if known is None:
                turn = Transition(TransitionType.FIRED, problem.severity, since, now)
                events.append(Event(made, turn))
        return events

    def groups(self, is_suppressed: Callable[[Alert], bool]) -> list[AlertGroup]:
        """Its one incident, whether or not anything fires, with what ended since it began."""
        firing = self.firing
        suppressed = tuple(alert for alert in firing if is_suppressed(alert))
        sent = tuple(alert for alert in firing if alert not in suppressed)
        group = AlertGroup(self.subject, sent, suppressed, tuple(self._ended.values()))
        if not firing:
            self._ended.clear()
        return [group]

    def adopt(self, alert: Alert) -> None:
        """Take one as firing, as a receiver was sent, until it is evaluated."""
        self._alerts.setdefault(alert.identity.rule, alert)

    def documents(self) -> dict[str, str | None]:
        """What has changed since the last call, to be kept by name; None: to be dropped."""
        changed = {
            f"{_PREFIX}{rule}": dump_alert(self._alerts[rule]) if rule in self._alerts else None
            for rule in self._dirty
        }
        self._dirty.clear()
        return changed

    def restore(self, documents: Mapping[str, str]) -> None:
        """Take up what ``documents`` gave before the restart."""
        for name, text in documents.items():
            if name.startswith(_PREFIX):
                try:
                    self._alerts.setdefault(name.removeprefix(_PREFIX), load_alert(text))
                except CodecError:
                    continue

    def _made(self, rule: str, problem: OwnProblem, since: float) -> Alert:
        return Alert(
            identity=Fingerprint(CHECK, rule),
            severity=problem.severity,
            since=since,
            fired=since,
            summary=problem.summary,
            kind="probe",
            target="the probe itself",
            region=self._region,
            runbook=RUNBOOK,
        )
