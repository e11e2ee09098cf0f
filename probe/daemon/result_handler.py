"""What happens with a result: evaluate it, update alerts, export it, store it, log changes.

The consumers don't know each other, and an exception in one reaches no other.
"""

import logging
from collections.abc import Callable, Sequence

from alerts.evaluation.check_state import Change
from probe.core.kind import BACKOFF_ABOVE_SECONDS, Check
from probe.core.model import Result, Status, Verdict
from probe.daemon.parts import DaemonState, Parts
from probe.daemon.schedule import Schedule
from probe.daemon.state_log import log_change
from probe.diagnostics.logging_setup import event
from probe.history.model import result_row

logger = logging.getLogger(__name__)

# Between checks that are triggered by the same result.
TRIGGER_GAP_SECONDS = 0.5


class ResultHandler:
    """Passes each result to its consumers. ``clock`` is the monotonic clock."""

    def __init__(
        self, parts: Parts, state: DaemonState, schedule: Schedule, clock: Callable[[], float]
    ) -> None:
        self._parts, self._state = parts, state
        self._schedule, self._clock = schedule, clock

    def handle(self, check: Check, result: Result) -> None:
        """Alerting comes first, so that nothing else delays it."""
        parts, consumer = self._parts, self._parts.isolation.consumer
        changes: Sequence[Change] = ()
        with consumer("references"):
            result = self._judged_by_references(result)
        with consumer("evaluation"):
            changes = parts.states.update(result, self._clock(), result.started_at.timestamp())
        # A backup that fails or recovers changes the severity of the checks that it backs up.
        for each in {check.name, *(change.check.name for change in changes)}:
            with consumer("alerting"):
                self._update_alerts(self._state.checks[each])
        with consumer("schedule"):
            self._run_soon(check, result)
        with consumer("metrics"):
            state = parts.states.state(check.name)
            parts.exporter.observe(result, state.evaluations if state else ())
        if parts.otel is not None:
            with consumer("otel"):
                parts.otel.observe(check, result)
        with consumer("quota usage"):
            parts.quotas.run_finished(result)
        with consumer("pages"):
            parts.runs.add(result)
        with consumer("history"):
            self._store(check, result)
        for change in changes:
            with consumer("log"):
                log_change(change)
        self._state.revision += len(changes)
        parts.readiness.done(check.name, self._clock())
        if not self._state.first_round.is_set() and not parts.readiness.pending:
            self.end_first_round()

    def end_first_round(self) -> None:
        """Every check has a result: the probe is ready."""
        self._state.first_round.set()
        states = [self._parts.states.state(name) for name in self._state.checks]
        verdicts = [state.verdict for state in states if state]
        passing = sum(verdict in (Verdict.OK, Verdict.OBJECTIVE_MISSED) for verdict in verdicts)
        event(logger, logging.INFO, "every check has run once", checks=len(verdicts), well=passing)

    def _store(self, check: Check, result: Result) -> None:
        state, history = self._parts.states.state(check.name), self._state.history
        if state is not None and history is not None:
            history.add(result_row(result, state.verdict, check.kind.plot))

    def _run_soon(self, check: Check, result: Result) -> None:
        """Confirm a failure early, and run the checks that it triggers."""
        state, triggers = self._parts.states.state(check.name), self._parts.triggers
        if result.failure is not None and result.status is Status.FAILED and state is not None:
            failing = result.started_at.timestamp() - state.since
            again = check.retry_delay(result.failure.cause, failing)
            self._schedule.run_soon(check.name, again)
        elif (
            self._parts.alerts.is_recovering(check.name) and check.interval < BACKOFF_ABOVE_SECONDS
        ):
            self._schedule.run_soon(check.name, check.retry)
        for position, name in enumerate(triggers.fired_by(result)):
            # One after the other: together they would exceed the quota of one TURN user.
            wait = triggers.delay(name, self._clock())
            self._schedule.run_soon(name, max(wait, position * TRIGGER_GAP_SECONDS))

    def _update_alerts(self, check: Check) -> None:
        states = self._parts.states
        state = states.state(check.name)
        if state is not None and not check.table.is_reference:
            backed_up = states.is_backed_up(check.name)
            self._parts.alerts.handle_result(
                check, state.result, state.evaluations, backed_up=backed_up
            )

    def _judged_by_references(self, result: Result) -> Result:
        """When a target fails, the references run too: if all of them fail, the cause is this
        machine's network."""
        references = self._parts.references
        if result.status is Status.FAILED and result.check not in references.names:
            for name in references.names:
                self._schedule.run_soon(name, 0.0)
        judged = references.update(result)
        self._parts.alerts.suppress_own_network(references.all_fail)
        return judged
