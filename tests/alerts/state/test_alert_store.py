"""What fires, from results and time alone; and over restarts as if there had been none."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.model import Severity
from alerts.state.alert_store import AlertStore, Event
from alerts.state.machine import TransitionType
from probe.core.causes import Cause
from probe.core.model import (
    Aggregation,
    Evaluation,
    FailurePolicy,
    Limits,
    Result,
    Status,
    Threshold,
    Verdict,
)
from tests.fake_kind import TOY_SECONDS, result_of, toy, toy_kind

SLOW = Threshold(
    TOY_SECONDS, Limits(warning=1.0, critical=2.0), aggregation=Aggregation.P95, window=300.0
)
KIND = toy_kind(failing=FailurePolicy(Verdict.CRITICAL, hold=30.0), thresholds=(SLOW,))
CHECK = toy("toy", KIND, interval=10)


class Stage:
    """A store whose timers go off when they are due."""

    def __init__(self) -> None:
        self.store = AlertStore("lax")
        self.store.set_checks([CHECK], 0.0)
        self.transitions: list[tuple[TransitionType, float]] = []
        self.events: list[Event] = []
        self.stored: dict[str, str] = {}
        self.now = 0.0

    def until(self, now: float) -> None:
        """Let time pass."""
        while (due := self.store.next_time()) is not None and due <= now:
            self._note(self.store.tick(due))
            if self.store.next_time() == due:
                break

    def see(
        self,
        now: float,
        status: Status = Status.OK,
        *,
        value: float | None = None,
        cause: Cause = Cause.HTTP_STATUS,
        threshold: Threshold = SLOW,
    ) -> None:
        """A result at a time, perhaps with a p95."""
        self.until(now)
        self.now = now
        result: Result = replace(result_of("toy", status, cause), duration=0.0)
        evaluations = [] if value is None else [evaluated(value, threshold)]
        self._note(self.store.update(CHECK, result, evaluations, now, backed_up=False))

    def restart(self) -> None:
        """Another process takes up what this one has stored."""
        self._store()
        store = AlertStore("lax")
        store.restore(self.stored)
        store.set_checks([CHECK], self.now)
        self.store = store

    def _note(self, events: list[Event]) -> None:
        self.events += events
        self.transitions += [(event.transition.turn, event.transition.at) for event in events]
        self._store()

    def _store(self) -> None:
        for name, text in self.store.documents().items():
            if text is None:
                self.stored.pop(name, None)
            else:
                self.stored[name] = text


def evaluated(value: float, threshold: Threshold = SLOW) -> Evaluation:
    """A p95 held against its limits."""
    verdict = Verdict.OK
    verdict = Verdict.WARNING if value > 1.0 else verdict
    verdict = Verdict.CRITICAL if value > 2.0 else verdict
    return Evaluation("toy", threshold, {}, value, verdict)


def test_down_for_more_than_its_hold_fires_on_time_without_another_result() -> None:
    stage = Stage()
    stage.see(0)
    stage.see(10, Status.FAILED)
    stage.until(100)
    assert stage.transitions == [(TransitionType.FIRED, 40.0)]
    (alert,) = stage.store.firing
    assert (alert.severity, alert.since, alert.cause) == (Severity.CRITICAL, 10.0, "http_status")
    assert alert.summary == "it did not work"


def test_the_newest_result_says_what_is_wrong() -> None:
    stage = Stage()
    for now in range(0, 60, 10):
        stage.see(now, Status.FAILED)
    stage.see(60, Status.FAILED, cause=Cause.DEADLINE)
    assert stage.store.firing[0].cause == "deadline"


def test_it_ends_after_two_good_intervals() -> None:
    stage = Stage()
    for now in range(0, 60, 10):
        stage.see(now, Status.FAILED)
    for now in range(60, 100, 10):
        stage.see(now)
    assert stage.transitions == [(TransitionType.FIRED, 30.0), (TransitionType.RESOLVED, 80.0)]
    assert stage.events[-1].alert.ended == 60.0, "until it was first seen to work"
    assert stage.store.firing == []
    stage.restart()
    assert stage.store.firing == []


def test_a_value_beyond_its_limit_reports_how_far_and_since_when() -> None:
    stage = Stage()
    stage.see(0, value=0.5)
    stage.see(400, value=1.5)
    (alert,) = stage.store.firing
    assert alert.severity is Severity.WARNING
    assert (alert.value, alert.limit, alert.trend) == (
        "1.5 s",
        "above 1 s",
        "was 500 ms 6.67 min ago",
    )
    assert alert.identity.rule == TOY_SECONDS.name


def test_an_alert_resolves_once_the_value_is_within_its_limit_by_the_hysteresis() -> None:
    stage = Stage()
    stage.see(0, value=1.5)
    for now in range(10, 300, 10):
        stage.see(now, value=0.99)
    assert [turn for turn, _ in stage.transitions] == [TransitionType.FIRED]
    for now in range(300, 500, 10):
        stage.see(now, value=0.9)
    assert stage.transitions[-1] == (TransitionType.RESOLVED, 420.0)


def test_a_limit_may_have_a_hold_a_clearing_time_and_a_margin_of_its_own() -> None:
    patient = replace(SLOW, hold=60.0, clear=20.0, margin=0.3)
    stage = Stage()
    for now in range(0, 100, 10):
        stage.see(now, value=1.5, threshold=patient)
    for now in range(100, 200, 10):
        stage.see(now, value=0.8, threshold=patient)
    for now in range(200, 250, 10):
        stage.see(now, value=0.6, threshold=patient)
    assert stage.transitions == [(TransitionType.FIRED, 60.0), (TransitionType.RESOLVED, 220.0)]


def test_a_value_that_gets_worse_escalates() -> None:
    stage = Stage()
    stage.see(0, value=1.5)
    stage.see(10, value=2.5)
    assert stage.transitions == [(TransitionType.FIRED, 0.0), (TransitionType.ESCALATED, 10.0)]


def test_no_data_is_a_warning_of_its_own_and_ends_with_the_first_result() -> None:
    stage = Stage()
    stage.see(0)
    for now in range(10, 400, 10):
        stage.see(now, Status.UNKNOWN, cause=Cause.RATE_LIMITED)
    assert stage.transitions == [(TransitionType.FIRED, 310.0)]
    (alert,) = stage.store.firing
    assert (alert.identity.rule, alert.severity) == ("no-data", Severity.WARNING)
    stage.see(400)
    assert [turn for turn, _ in stage.transitions] == [
        TransitionType.FIRED,
        TransitionType.RESOLVED,
    ]


def test_a_check_without_any_result_has_no_data() -> None:
    stage = Stage()
    stage.see(0)
    stage.until(1000)
    assert stage.transitions == [(TransitionType.FIRED, 300.0)]
    stage.see(1000)
    assert stage.store.firing == []


def test_unknown_does_not_end_what_fails() -> None:
    stage = Stage()
    stage.see(0, Status.FAILED)
    for now in range(10, 200, 10):
        stage.see(now, Status.UNKNOWN, cause=Cause.OWN_NETWORK)
    assert stage.transitions == [(TransitionType.FIRED, 30.0)]


def test_a_check_that_is_not_watched_any_more_is_over() -> None:
    stage = Stage()
    stage.see(0, Status.FAILED)
    stage.until(50)
    (event,) = stage.store.set_checks([], 60.0)
    assert (event.transition.turn, event.alert.ended) == (TransitionType.RESOLVED, 60.0)
    assert stage.store.firing == []


def test_after_a_long_absence_nothing_fires_before_a_new_result() -> None:
    stage = Stage()
    stage.see(0, Status.FAILED)
    stage.now = 100.0
    stage.restart()
    stage.until(200)
    assert stage.transitions == []
    stage.see(200, Status.FAILED)
    assert stage.transitions == [(TransitionType.FIRED, 200.0)]
    assert stage.store.firing[0].since == 0.0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"identity": 1}', '{"state": {}}'])
def test_what_was_stored_and_cannot_be_read_is_passed_over(text: str) -> None:
    store = AlertStore("lax")
    store.restore({"alert:toy/failing": text, "view:x": "{}"})
    assert store.firing == []


results = st.lists(
    st.tuples(st.sampled_from(Status), st.sampled_from([None, 0.5, 0.97, 1.5, 2.5]), st.booleans()),
    min_size=1,
    max_size=50,
)


FAILS, WELL = (Status.FAILED, None, False), (Status.OK, None, False)


Steps = list[tuple[Status, float | None, bool]]


@settings(max_examples=120)
@example([FAILS, FAILS, WELL, WELL, (Status.FAILED, None, True), WELL, WELL, WELL])
@given(results)
def test_a_restart_at_any_point_changes_nothing(steps: Steps) -> None:
    changes_nothing(steps)


@pytest.mark.proof
@settings(max_examples=600)
@given(results)
def test_a_restart_at_any_point_of_many_courses_changes_nothing(steps: Steps) -> None:
    changes_nothing(steps)


def changes_nothing(steps: Steps) -> None:
    """With results coming as they do, what is sent is the same with restarts and without."""
    once, often = Stage(), Stage()
    for number, (status, value, again) in enumerate(steps):
        if again:
            often.restart()
        for stage in (once, often):
            stage.see(number * 10.0, status, value=value)
    assert often.transitions == once.transitions
    # Values of before the restart are not kept for the trend.
    assert [replace(each, trend="") for each in often.store.firing] == [
        replace(each, trend="") for each in once.store.firing
    ]
