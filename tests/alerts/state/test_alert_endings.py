"""An alert ends with what it is about, and is remembered by what was wrong first."""

import pytest
from msgspec.structs import replace

from alerts.state.alert_store import AlertStore, Event
from alerts.state.machine import TransitionType
from probe.core.causes import Cause
from probe.core.kind import Check
from probe.core.model import (
    Evaluation,
    Limits,
    Signal,
    Status,
    Threshold,
    Unit,
    Verdict,
)
from tests.alerts.state.test_alert_store import CHECK, Stage
from tests.fake_kind import result_of, toy, toy_kind

MACHINES = Signal("probe_toy_bytes", Unit.BYTES, "Of a machine.", ("machine",), ephemeral=True)
LASTING = Signal("probe_toy_size_bytes", Unit.BYTES, "Of a disk.", ("disk",))


@pytest.mark.parametrize(
    ("signal", "status", "ends"),
    [
        (MACHINES, Status.OK, True),
        (MACHINES, Status.FAILED, True),
        (MACHINES, Status.UNKNOWN, False),
        (LASTING, Status.OK, False),
    ],
)
def test_an_alert_about_a_machine_resolves_when_a_good_run_no_longer_lists_it(
    signal: Signal, status: Status, ends: bool
) -> None:
    check = toy("toy", toy_kind(signals=(signal,)), interval=10)
    store = AlertStore("lax")
    store.set_checks([check], 0.0)
    threshold = Threshold(signal, Limits(warning=1.0))
    bad = Evaluation("toy", threshold, {signal.labels[0]: "d1"}, 2.0, Verdict.WARNING, 1)
    events = store.update(check, result_of("toy"), [bad], 0.0, backed_up=False)
    assert [event.transition.turn for event in events] == [TransitionType.FIRED]
    other = replace(bad, labels={signal.labels[0]: "d2"}, value=0.5, verdict=Verdict.OK)
    transitions: list[Event] = []
    for now in range(10, 300, 10):
        transitions += store.update(
            check, result_of("toy", status), [other], float(now), backed_up=True
        )
        transitions += store.tick(float(now))
    over = [each for each in transitions if each.alert.identity.rule == signal.name]
    assert bool(over) is ends
    assert bool([alert for alert in store.firing if alert.identity.rule == signal.name]) is not ends


def test_an_alert_is_remembered_by_what_was_wrong_first() -> None:
    stage = Stage()
    stage.see(0, Status.FAILED, cause=Cause.CONNECT_REFUSED)
    stage.see(10, Status.FAILED, cause=Cause.DEADLINE)
    stage.see(40, Status.FAILED, cause=Cause.DEADLINE)
    assert stage.store.firing[0].cause == "deadline"
    stage.restart()
    stage.see(50)
    stage.until(100)
    over = stage.events[-1].alert
    assert (over.cause, over.since, over.ended) == ("connect_refused", 0.0, 50.0)
    assert over.summary == "it did not work (later: it did not work)"


def test_a_check_that_is_removed_while_it_fails_is_closed_and_has_not_recovered() -> None:
    stage = Stage()
    for now in (0, 10, 30):
        stage.see(now, Status.FAILED)
    (event,) = stage.store.set_checks([], 35.0)
    assert event.alert.closed == "no longer monitored"
    assert stage.store.firing == []


def test_a_run_that_hung_failed_since_it_began() -> None:
    store = AlertStore("lax")
    store.set_checks([CHECK], 0.0)
    hung = replace(result_of("toy", Status.FAILED), duration=8.0)
    store.update(CHECK, hung, [], 10.0, backed_up=False)
    assert store.next_time() == 32.0
    # The same result judged anew, since a backup failed, is no new run.
    store.update(CHECK, hung, [], 20.0, backed_up=False)
    store.tick(32.0)
    assert store.firing[0].since == 2.0


def test_a_result_that_is_evaluated_again_counts_once() -> None:
    """A check whose backup fails is judged anew; three failures of six runs are three runs."""
    store = AlertStore("lax")
    store.set_checks([CHECK], 0.0)
    failed = replace(result_of("toy", Status.FAILED), duration=0.0)
    for now in (0.0, 1.0, 2.0):
        store.update(CHECK, failed, [], now, backed_up=False)
    store.update(CHECK, result_of("toy"), [], 10.0, backed_up=False)
    assert not store.pending


def test_three_failures_of_six_runs_fire_with_a_failure_not_with_a_good_run() -> None:
    stage = Stage()
    for now, status in [*((at, Status.FAILED) for at in (0, 10, 20)), (29, Status.OK)]:
        stage.see(now, status)
    assert stage.transitions == []
    stage.see(45, Status.FAILED)
    assert [turn for turn, _ in stage.transitions] == [TransitionType.FIRED]


LIMITED = Threshold(LASTING, Limits(warning=1.0))


def with_limit(**table: object) -> Check:
    """A check that has a limit of its own on a signal of its kind."""
    return toy("toy", toy_kind(signals=(LASTING,), thresholds=(LIMITED,)), interval=10, **table)


def fires_about_its_size() -> AlertStore:
    store, check = AlertStore("lax"), with_limit()
    store.set_checks([check], 0.0)
    bad = Evaluation("toy", LIMITED, {"disk": "d1"}, 2.0, Verdict.WARNING, 1)
    store.update(check, result_of("toy"), [bad], 0.0, backed_up=False)
    assert [alert.identity.rule for alert in store.firing] == [LASTING.name]
    return store


@pytest.mark.parametrize(
    "later",
    [
        toy("toy", toy_kind(signals=(LASTING,)), interval=10),
        toy("toy", toy_kind(), interval=10),
        with_limit(thresholds={LASTING.name: {"objective": 0.5}}),
    ],
    ids=["the limit is gone", "the signal is gone", "an objective alone is left"],
)
@pytest.mark.parametrize("restarts", [False, True])
def test_a_firing_alert_is_closed_when_its_limit_is_removed(later: Check, restarts: bool) -> None:
    store = fires_about_its_size()
    if restarts:
        stored = {name: text for name, text in store.documents().items() if text is not None}
        store = AlertStore("lax")
        store.restore(stored)
    (event,) = store.set_checks([later], 35.0)
    assert event.alert.closed == "no longer held against a limit"
    assert store.firing == []
    assert list(store.documents().values()) == [None]


def test_a_firing_alert_with_a_changed_limit_stays_until_a_result() -> None:
    store = fires_about_its_size()
    moved = with_limit(thresholds={LASTING.name: {"warning": 3.0}})
    assert store.set_checks([moved], 35.0) == []
    assert len(store.firing) == 1


HOUR = 3600.0


@pytest.mark.parametrize("restarts", [False, True])
def test_an_alert_on_what_is_not_measured_any_more_is_closed(restarts: bool) -> None:
    """As of a label that has another value since a reload."""
    store = fires_about_its_size()
    if restarts:
        stored = {name: text for name, text in store.documents().items() if text is not None}
        store = AlertStore("lax")
        store.restore(stored)
        store.set_checks([with_limit()], 10.0)
    fine = Evaluation("toy", LIMITED, {"disk": "d2"}, 0.5, Verdict.OK, 1)
    for at in range(10, int(HOUR), 600):
        assert store.update(with_limit(), result_of("toy"), [fine], at, backed_up=False) == []
    (event,) = store.update(with_limit(), result_of("toy"), [fine], HOUR + 1.0, backed_up=False)
    assert (event.alert.closed, store.firing) == ("no longer measured", [])


def test_an_alert_on_what_cannot_be_measured_stays() -> None:
    store, lacks = fires_about_its_size(), Evaluation("toy", LIMITED, {}, None, Verdict.UNKNOWN)
    for status in (Status.FAILED, Status.UNKNOWN):
        store.update(with_limit(), result_of("toy", status), [lacks], 3 * HOUR, backed_up=False)
    assert LASTING.name in {alert.identity.rule for alert in store.firing}


def test_an_alert_on_what_is_measured_now_and_then_stays() -> None:
    store = fires_about_its_size()
    bad = Evaluation("toy", LIMITED, {"disk": "d1"}, 2.0, Verdict.WARNING, 1)
    for at in range(10, int(4 * HOUR), 10):
        seen = [bad] if at % 3000 == 0 else []
        store.update(with_limit(), result_of("toy"), seen, float(at), backed_up=False)
    assert [alert.identity.rule for alert in store.firing] == [LASTING.name]
