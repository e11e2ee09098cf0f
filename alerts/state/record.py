"""The record of one alert, in memory and on disk."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from alerts.model import Alert, Fingerprint, Severity
from alerts.outbox.codec import dump_alert, load_alert
from alerts.state.machine import (
    AlertState,
    ObservedLevel,
    State,
    Timers,
    Transition,
    TransitionType,
    after_pause,
)
from alerts.state.suspected_alert import ObservedSeverity, SuspectedAlert
from probe.core.thresholds import FAILING
from probe.storage.json_codec import CodecError, JsonCodec

# Values that a trend is made of.
MAX_VALUES = 60
# After so long without results, what failed before and did not fire begins anew.
PENDING_PAUSE_SECONDS = 600.0


@dataclass(slots=True)
class AlertRecord:
    """One alert's state, its timers, and how to annotate it."""

    state: State
    terms: Timers
    annotate: Callable[[], Alert] | None = None
    alert: Alert | None = None
    values: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MAX_VALUES))
    heard: float = 0.0
    # What was wrong first: what an incident is remembered by.
    first: Alert | None = None
    # Restored from disk and out of date: its timers wait for a first result.
    stale: bool = False
    # What was stored last, as text: most of it is the same after the next result.
    texts: tuple[tuple[Alert, str], ...] = ()

    def resume(self, terms: Timers, now: float) -> None:
        """Its check has a result: whatever was restored is up to date from now on."""
        if self.stale and now - self.heard > PENDING_PAUSE_SECONDS:
            self.state = after_pause(self.state)
        self.terms, self.heard, self.stale = terms, now, False


def name_of(identity: Fingerprint) -> str:
    """The name under which an alert is stored."""
    return f"alert:{identity}"


def is_name(name: str) -> bool:
    """Whether it is the name of a stored alert."""
    return name.startswith("alert:")


def restored(alert: Alert, heard: float) -> AlertRecord:
    """A firing alert by what was sent of it."""
    critical = alert.severity is Severity.CRITICAL
    state = State(
        stage=AlertState.FIRING,
        severity=alert.severity,
        seen=ObservedLevel.CRITICAL if critical else ObservedLevel.WARNING,
        since=alert.since,
        severe=alert.since if critical else None,
        fired=alert.fired,
    )
    terms = Timers({Severity.WARNING: 0.0, Severity.CRITICAL: 0.0})
    return AlertRecord(state, terms, lambda: alert, alert, heard=heard, stale=True)


class StoredAlert(Struct, frozen=True, gc=False):
    """A record as it is stored; alerts are JSON within it."""

    identity: Fingerprint
    state: State
    heard: float
    alert: str | None = None
    words: str | None = None
    first: str | None = None


_STORED = JsonCodec(StoredAlert)


def dump(identity: Fingerprint, kept: AlertRecord) -> str:
    """One alert as text."""
    alert = kept.annotate() if kept.annotate is not None else kept.alert
    alerts = (kept.alert, alert, kept.first)
    known = kept.texts
    for each in alerts:
        if each is not None and not any(each == other for other, _ in known):
            known = (*known, (each, dump_alert(each)))
    kept.texts = tuple(pair for pair in known if pair[0] in alerts)
    texts = [next((text for other, text in known if other == each), None) for each in alerts]
    return _STORED.dump(StoredAlert(identity, kept.state, kept.heard, *texts))


def resolved_alert(kept: AlertRecord, before: State, at: float) -> Alert:
    """The alert as it is reported: with what was wrong first, and until it passed again."""
    alert = kept.alert
    if alert is None:
        raise RuntimeError("an alert without a description is resolved")
    first, ended = kept.first, at if before.good is None else before.good
    if first is None or first.identity.rule != FAILING:
        return replace(alert, ended=ended)
    later = f" (later: {alert.summary})" if alert.cause != first.cause else ""
    return replace(
        alert,
        ended=ended,
        summary=f"{first.summary}{later}",
        phase=first.phase,
        cause=first.cause,
        hint=first.hint,
        runbook=first.runbook,
    )


def suspected_of(identity: Fingerprint, kept: AlertRecord, now: float) -> SuspectedAlert | None:
    """An alert that is seen as bad, notified of or not. Sure is what fires, or is half way
    there: a single failure between passing runs isn't."""
    state = kept.state
    if state.stage is AlertState.OK or state.since is None or kept.stale:
        return None
    if state.stage is AlertState.FIRING:
        observed = ObservedSeverity(
            state.severity or Severity.WARNING, state.seen is not ObservedLevel.GOOD
        )
        return SuspectedAlert(identity, state.since, observed)
    severity = Severity.WARNING if state.severe is None else Severity.CRITICAL
    began = state.since if state.severe is None else state.severe
    return SuspectedAlert(
        identity,
        state.since,
        ObservedSeverity(severity, now - began >= kept.terms.hold[severity] / 2),
    )


def load(name: str, text: str) -> tuple[Fingerprint, AlertRecord] | None:
    """What ``dump`` gave; None for what can't be read."""
    try:
        stored = _STORED.load(text)
        if name != name_of(stored.identity):
            return None
        # A placeholder until its check is loaded.
        terms = Timers({Severity.WARNING: 0.0, Severity.CRITICAL: 0.0})
        kept = AlertRecord(stored.state, terms, heard=stored.heard, stale=True)
        if stored.alert:
            kept.alert = load_alert(stored.alert)
        if stored.first:
            kept.first = load_alert(stored.first)
        if stored.words:
            described_alert = load_alert(stored.words)
            kept.annotate = lambda: described_alert
        return stored.identity, kept
    except CodecError:
        return None


def is_worth_keeping(state: State, before: State) -> bool:
    """Whether a change is worth storing: another good result of what is healthy is not."""
    was_bad = any(state.recent) or any(before.recent)
    return state != before if was_bad else replace(state, recent=before.recent) != before


def described(kept: AlertRecord, transition: Transition | None) -> Alert:
    """The alert in words, with the times and the severity of its state."""
    state = kept.state
    alert = kept.annotate() if kept.annotate is not None else kept.alert
    if alert is None:
        raise RuntimeError("an alert without a description fires")
    fired = state.fired if state.fired is not None else 0.0
    if transition is not None and transition.turn is TransitionType.FLAPPING:
        alert = replace(alert, summary=f"{alert.summary} (again and again: it flaps)")
    return replace(
        alert,
        severity=state.severity or Severity.WARNING,
        since=state.since if state.since is not None else fired,
        fired=fired,
    )
