"""Stores every alert: results and the passing of time go in, firing alerts come out. Pure:
``documents`` is what has to be kept to go on after a restart, one text for each alert."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from alerts.model import Alert, Fingerprint, Severity
from alerts.state import annotations
from alerts.state.alert_documents import AlertDocuments, pieces
from alerts.state.alert_records import AlertRecords
from alerts.state.conditions import (
    Observation,
    RememberedTerms,
    has_rule,
    no_data_after,
    of_status,
    of_values,
    of_vanished,
    terms_of,
    unmeasured_after,
)
from alerts.state.machine import (
    AlertState,
    ObservedLevel,
    State,
    Transition,
    TransitionType,
    next_time,
    observe,
    tick,
)
from alerts.state.no_data import NoDataTimer
from alerts.state.record import (
    AlertRecord,
    described,
    is_name,
    is_worth_keeping,
    load,
    resolved_alert,
    restored,
    suspected_of,
)
from alerts.state.renames import rename
from alerts.state.suspected_alert import SuspectedAlert
from probe.core.kind import Check
from probe.core.model import Evaluation, Result, Status
from probe.core.thresholds import FAILING, NO_DATA

NO_LONGER_MONITORED, WITHOUT_LIMIT = "no longer monitored", "no longer held against a limit"
NO_LONGER_MEASURED = "no longer measured"
# A result is out of date when the next one should have come.
FRESH_INTERVALS = 1.5


class Event(Struct, frozen=True, gc=False):
    """An alert fired, escalated, eased, flaps, or is resolved."""

    alert: Alert
    transition: Transition


class AlertStore:
    """All alerts of the configured checks, and which the last ``set_checks`` has ``renamed``."""

    def __init__(self, region: str) -> None:
        self._region, self._terms = region, RememberedTerms()
        self._checks: dict[str, Check] = {}
        self._kept, self._no_data = AlertRecords(), NoDataTimer(self._is_missed)
        self._documents = AlertDocuments(self._kept)
        self._results: dict[str, tuple[Result, float]] = {}
        self.renamed: Mapping[Fingerprint, Fingerprint] = {}

    @property
    def firing(self) -> list[Alert]:
        """Everything that fires, the oldest first."""
        return self._kept.firing

    @property
    def pending(self) -> Mapping[str, float]:
        """Checks that fail, not yet for long enough to fire, and when they will; inf: unknown."""
        return self._kept.pending

    @property
    def recovering(self) -> set[Fingerprint]:
        """Alerts that fire although the last result was good, or was of an earlier process."""
        return self._kept.recovering

    def is_recovering(self, check: str) -> bool:
        """Whether a check passes again while an alert of it still fires: another pass ends it."""
        return self._kept.is_recovering(check)

    def suspected(self, now: float, checks: Collection[str] | None = None) -> list[SuspectedAlert]:
        """What is seen as bad, notified of or not; of these checks, if they are given."""
        active = self._kept.active.items()
        wanted = active if checks is None else [e for e in active if e[0].check in checks]
        return [*filter(None, (suspected_of(*each, now) for each in wanted))]

    @property
    def is_idle(self) -> bool:
        """Whether nothing is pending or fires, and nothing is to be kept."""
        return not (self._kept.active or self._documents.changed)

    def is_seen_bad(self, check: str) -> bool:
        """Whether the newest result of a check confirms something that fires."""
        return self._kept.is_seen_bad(check)

    def set_checks(self, checks: Sequence[Check], now: float) -> list[Event]:
        """These are the checks from now on; alerts of others are closed, unless renamed."""
        self._checks = {check.name: check for check in checks}
        self.renamed = rename(self._kept, self._checks, self._results)
        self._documents.changed |= {*self.renamed, *self.renamed.values()}
        self._results = {n: each for n, each in self._results.items() if n in self._checks}
        self._terms.clear()
        self._no_data.set_checks(checks, now)
        for identity, kept in self._kept.active.items():
            self._resume(identity, kept, now)
        gone = {each: NO_LONGER_MONITORED for each in self._kept if each.check not in self._checks}
        left = [each for each in self._kept.active if each not in gone]
        gone |= {e: WITHOUT_LIMIT for e in left if not has_rule(self._checks[e.check], e.rule)}
        return [*filter(None, (self._close(*each, now) for each in gone.items()))]

    def resume(self, now: float, skipped: float) -> None:
        """Nothing could be measured until now, for ``skipped`` seconds more than ``now`` knows
        of: as after a restart, timers of what is out of date go on with the next result."""
        self._no_data.restart(now)
        for identity, kept in self._kept.active.items():
            if (check := self._checks.get(identity.check)) is not None:
                kept.stale |= _is_out_of_date(kept, check, now + skipped)

    def update(
        self,
        check: Check,
        result: Result,
        evaluations: Sequence[Evaluation],
        now: float,
        *,
        backed_up: bool,
    ) -> list[Event]:
        """A check has a new result, or its result is evaluated again."""
        again = (known := self._results.get(check.name)) is not None and known[0] is result
        if not again:
            self._no_data.record(check, now)
            self._results[check.name] = (result, now - result.duration)
        is_good = result.status is Status.OK and not self._kept.has_status(check.name)
        observations = [
            *(() if is_good else of_status(check, result, self._terms, backed_up=backed_up)),
            *of_values(check, evaluations, self._is_firing, self._terms),
            *of_vanished(check, result, evaluations, self._firing_of(check)),
        ]
        events = [self._observe(each, check, result, now, again=again) for each in observations]
        if result.status is Status.OK:
            unheard = self._kept.unheard(check.name, now - unmeasured_after(check))
            events += [self._close(each, NO_LONGER_MEASURED, now) for each in unheard]
        return [*filter(None, events)]

    def tick(self, now: float) -> list[Event]:
        """Fire and resolve what is due; no data where results stay away."""
        events = [self._note_no_data(check, now) for check in self._no_data.overdue(now)]
        events += [self._tick(identity, now) for identity in [*self._kept.active]]
        return [*filter(None, events)]

    def prepare(self, now: float) -> Iterator[list[Event]]:
        """Do in pieces what concerns single alerts of ``tick`` and ``documents``, which then have
        little left to do. Anything may happen between two pieces."""
        for identities in pieces([*self._kept.active]):
            events = [*filter(None, (self._tick(each, now) for each in identities))]
            self._documents.prepare(identities)
            yield events

    def _tick(self, identity: Fingerprint, now: float) -> Event | None:
        kept = self._kept.active.get(identity)
        if kept is None or kept.stale:
            return None
        state, transition = tick(kept.state, now, kept.terms)
        # Of thousands that fire, few change; that one flaps is said once.
        if state is kept.state and transition is None and not state.flapping:
            return None
        return self._step(identity, state, transition)

    def _resume(self, identity: Fingerprint, kept: AlertRecord, now: float) -> None:
        """An alert goes on with its check's timers; after a short absence, at once."""
        if (check := self._checks.get(identity.check)) is not None:
            kept.terms = terms_of(check, identity.rule)
            kept.stale &= _is_out_of_date(kept, check, now)

    def _close(self, identity: Fingerprint, reason: str, now: float) -> Event | None:
        """Drop an alert that nothing can resolve any more."""
        kept = self._kept.pop(identity)
        self._documents.changed.add(identity)
        if kept.state.stage is not AlertState.FIRING or kept.alert is None:
            return None
        over = Transition(TransitionType.RESOLVED, kept.alert.severity, kept.alert.since, now)
        return Event(replace(kept.alert, ended=now, closed=reason), over)

    def next_time(self) -> float | None:
        """When ``tick`` will have something to do."""
        times = [
            due
            for kept in self._kept.active.values()
            if not kept.stale and (due := next_time(kept.state, kept.terms)) is not None
        ]
        times.append(self._no_data.next_time())
        return min((time for time in times if time != math.inf), default=None)

    def documents(self) -> dict[str, str | None]:
        """What has changed since the last call, to be kept by name; None: to be dropped."""
        return self._documents.take()

    def restore(self, documents: Mapping[str, str]) -> list[str]:
        """Restore what ``documents`` gave before the restart, but for alerts that are known;
        returns the names of those that can't be read. Timers go on with the first result."""
        lost = []
        for name, text in documents.items():
            if (found := load(name, text)) is not None:
                if (known := self._kept.get(found[0])) is None or known.state == State():
                    self._kept.add(*found)
            elif is_name(name):
                lost.append(name)
        return lost

    def adopt(self, alert: Alert, heard: float) -> None:
        """Take an alert as firing, as a receiver was sent, until a result says otherwise."""
        if not self._is_firing(alert.identity):
            self._kept.add(alert.identity, restored(alert, heard))
            self._documents.changed.add(alert.identity)

    def _observe(
        self, entry: Observation, check: Check, result: Result, now: float, *, again: bool
    ) -> Event | None:
        kept = self._kept.get(entry.identity)
        if kept is None:
            if entry.evaluation is None and not entry.seen.is_bad:
                return None
            kept = self._kept.add(entry.identity, AlertRecord(State(), entry.terms))
        kept.resume(entry.terms, now)
        if kept.state.stage is not AlertState.OK:
            self._documents.changed.add(entry.identity)
        if entry.evaluation is not None and entry.evaluation.value is not None:
            kept.values.append((now, entry.evaluation.value))
        if entry.seen.is_bad:
            values, about = [*kept.values], (entry, check, result, self._region)
            kept.annotate = cache(annotations.annotation_of(*about, values))
            kept.first = kept.annotate() if kept.state.since is None else kept.first
        began = self._results[check.name][1] if entry.identity.rule == FAILING else None
        step = observe(kept.state, entry.seen, now, entry.terms, began=began, again=again)
        return self._step(entry.identity, *step)

    def _is_firing(self, identity: Fingerprint) -> bool:
        return (kept := self._kept.get(identity)) is not None and kept.alert is not None

    def _firing_of(self, check: Check) -> Iterator[Fingerprint]:
        """Its firing alerts on ephemeral signals; few checks have such."""
        firing = [each for each in self._kept.active_of(check.name) if self._is_firing(each)]
        fleeting = {each.name for each in check.signals if each.ephemeral} if firing else ()
        return (identity for identity in firing if identity.rule in fleeting)

    def _note_no_data(self, check: Check, now: float) -> Event | None:
        """A check without any result has no data."""
        identity, terms = Fingerprint(check.name, NO_DATA), terms_of(check, NO_DATA)
        kept = self._kept.get(identity) or self._kept.add(identity, AlertRecord(State(), terms))
        silence = no_data_after(check)
        kept.annotate = cache(lambda: annotations.no_data(check, None, self._region, silence))
        kept.terms = replace(terms, hold={**terms.hold, Severity.WARNING: 0.0})
        kept.heard, kept.stale = now, False
        return self._step(identity, *observe(kept.state, ObservedLevel.WARNING, now, kept.terms))

    def _is_missed(self, name: str) -> bool:
        missed = self._kept.active.get(Fingerprint(name, NO_DATA))
        return missed is not None and missed.state.stage is AlertState.FIRING

    def _step(
        self, identity: Fingerprint, state: State, transition: Transition | None
    ) -> Event | None:
        kept = self._kept.get(identity)
        assert kept is not None
        is_ok = state.stage is AlertState.OK
        if state is not kept.state and (not is_ok or is_worth_keeping(state, kept.state)):
            self._documents.changed.add(identity)
        state_before, kept.state = kept.state, state
        self._kept.settle(identity, kept)
        if state.stage is AlertState.FIRING and kept.annotate is not None:
            kept.alert = described(kept, transition)
        if transition is None or kept.alert is None:
            return None
        if transition.turn is not TransitionType.RESOLVED:
            return Event(kept.alert, transition)
        over = resolved_alert(kept, state_before, transition.at)
        kept.alert = kept.first = None
        kept.values.clear()
        return Event(over, transition)


def _is_out_of_date(kept: AlertRecord, check: Check, now: float) -> bool:
    return now - kept.heard > FRESH_INTERVALS * check.interval
