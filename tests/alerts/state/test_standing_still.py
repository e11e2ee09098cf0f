"""Alerts after a time in which no check could run: what happened meanwhile is not known."""

from collections.abc import Sequence

import pytest

from alerts.state.alert_store import AlertStore
from probe.core.kind import Check
from probe.core.model import FailurePolicy, Status, Verdict
from tests.fake_kind import result_of, toy, toy_kind

KIND = toy_kind(failing=FailurePolicy(Verdict.CRITICAL, hold=30.0))
CHECK = toy("toy", KIND, interval=10)
OTHER = toy("other", KIND, interval=10)
SELDOM = toy("toy", KIND, interval=3600)
LATER = 4000.0


def a_store(checks: Sequence[Check], now: float, status: Status = Status.OK) -> AlertStore:
    """A store whose checks had a result."""
    store = AlertStore("lax")
    store.set_checks(checks, 0.0)
    see(store, checks, now, status)
    return store


def see(store: AlertStore, checks: Sequence[Check], now: float, status: Status) -> None:
    for check in checks:
        store.update(check, result_of(check.name, status), (), now, backed_up=False)


@pytest.mark.parametrize("skipped", [0.0, LATER])
def test_a_machine_that_stood_still_has_no_checks_without_data(skipped: float) -> None:
    store = a_store([CHECK, OTHER], 0.0)
    now = 10.0 if skipped else LATER
    store.resume(now, skipped)
    assert store.tick(now + 299.0) == []
    assert len(store.tick(now + 300.0)) == 2


@pytest.mark.parametrize("skipped", [0.0, LATER])
def test_what_failed_before_does_not_fire_by_the_time_that_was_slept(skipped: float) -> None:
    store = a_store([CHECK], 0.0, Status.FAILED)
    now = 25.0 if skipped else LATER
    store.resume(now, skipped)
    assert store.tick(now + 10.0) == []
    see(store, [CHECK], now + 10.0, Status.OK)
    assert store.tick(now + 100.0) == []


def test_what_fires_goes_on_and_is_not_certain_before_the_next_result() -> None:
    store = a_store([CHECK], 0.0, Status.FAILED)
    assert len(store.tick(30.0)) == 1
    store.resume(LATER, 0.0)
    assert (len(store.firing), store.is_recovering("toy")) == (1, True)
    see(store, [CHECK], LATER + 1.0, Status.FAILED)
    assert (len(store.firing), store.is_recovering("toy")) == (1, False)


def test_a_pause_that_is_shorter_than_an_interval_changes_nothing() -> None:
    store = a_store([SELDOM], 0.0, Status.FAILED)
    store.resume(25.0, 0.0)
    assert len(store.tick(30.0)) == 1


def test_a_check_that_was_removed_and_is_back_begins_anew() -> None:
    store = a_store([CHECK, OTHER], 0.0)
    store.set_checks([OTHER], 10.0)
    see(store, [OTHER], LATER, Status.OK)
    store.set_checks([CHECK, OTHER], LATER)
    assert store.tick(LATER + 299.0) == []


def test_a_check_that_runs_more_often_from_now_on_begins_anew() -> None:
    store = a_store([SELDOM], 0.0)
    store.set_checks([CHECK], LATER)
    assert store.tick(LATER + 299.0) == []
    assert len(store.tick(LATER + 300.0)) == 1


def test_a_reload_that_changes_nothing_counts_on() -> None:
    store = a_store([CHECK], 0.0)
    store.set_checks([CHECK], 200.0)
    assert len(store.tick(300.0)) == 1
