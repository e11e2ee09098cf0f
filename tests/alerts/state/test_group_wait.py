"""The first message of warnings waits for others of its incident, and a moment longer for those
that are about to fire."""

import math

import pytest

from alerts.model import Alert, Severity
from alerts.notification.grouping import GroupStore
from alerts.notification.message import AlertGroup
from alerts.notification.occasion import LONGER_WAIT_SECONDS
from alerts.notification.route import (
    GROUP_WAIT_SECONDS,
    REPEAT_INTERVAL_SECONDS,
    Route,
    Routes,
)
from alerts.state.alert_records import AlertRecords
from alerts.state.machine import AlertState, ObservedLevel, State, Timers
from alerts.state.record import AlertRecord
from probe.core.thresholds import FAILING
from tests.alerts.notification.test_grouping import (
    BOTH,
    SETTING,
    alert,
    group_store,
)

WARNING = alert("a", Severity.WARNING)
LATEST = GROUP_WAIT_SECONDS + LONGER_WAIT_SECONDS


def checks_sent(
    store: GroupStore, now: float, *firing: Alert, next_fires: float = math.inf
) -> list[list[str]]:
    """The checks of each message that the chat is sent now."""
    group = AlertGroup("turn", firing, next_fires=next_fires)
    sent = store.settle([group], now, SETTING)
    return [
        [each.identity.check for each in delivery.message.firing]
        for delivery in sent
        if delivery.notifier == "chat"
    ]


def test_what_fires_a_moment_later_is_in_the_first_message() -> None:
    store, other = group_store(), alert("b", Severity.WARNING, since=17.0)
    assert checks_sent(store, GROUP_WAIT_SECONDS, WARNING, next_fires=17.0) == []
    assert checks_sent(store, 17.0, WARNING, other) == [["a", "b"]]


def test_what_is_due_later_than_that_joins_with_an_update() -> None:
    due = LATEST + 1.0
    assert checks_sent(group_store(), GROUP_WAIT_SECONDS, WARNING, next_fires=due) == [["a"]]


def test_what_recovers_before_it_fires_is_waited_for_no_longer() -> None:
    store = group_store()
    assert checks_sent(store, GROUP_WAIT_SECONDS, WARNING, next_fires=20.0) == []
    assert checks_sent(store, 18.0, WARNING) == [["a"]]


def test_one_after_the_other_does_not_hold_the_first_message_for_long() -> None:
    store, group = group_store(), AlertGroup("turn", (WARNING,), next_fires=16.0)
    assert store.next_time([group], GROUP_WAIT_SECONDS) == LATEST
    times = [second for second in range(60) if checks_sent(store, second, WARNING, next_fires=0.0)]
    assert times == [LATEST]


def test_what_fires_and_is_not_confirmed_yet_is_waited_for() -> None:
    store, other = group_store(), alert("b", Severity.WARNING)
    store.confirm = lambda each: each.identity.check == "a"
    assert checks_sent(store, GROUP_WAIT_SECONDS, WARNING, other) == []
    assert checks_sent(store, LATEST, WARNING, other) == [["a"]]


def test_a_page_waits_for_nothing() -> None:
    assert checks_sent(group_store(), 0.0, alert("a"), next_fires=1.0) == [["a"]]


@pytest.mark.parametrize("wait", [0.0, 2.0])
def test_who_wants_to_wait_for_less_does_not_wait_for_more(wait: float) -> None:
    route = Route("chat", BOTH, REPEAT_INTERVAL_SECONDS, group_wait=wait)
    store = GroupStore(Routes([route]))
    assert checks_sent(store, 2 * wait, WARNING, next_fires=2 * wait + 1.0) == [["a"]]


@pytest.mark.parametrize(("last_is_bad", "due"), [(True, 130.0), (False, math.inf)])
def test_a_check_that_fails_is_due_when_its_time_is_over(last_is_bad: bool, due: float) -> None:
    kept = AlertRecords()
    state = State(
        AlertState.PENDING, seen=ObservedLevel.WARNING, since=100.0, recent=(True, last_is_bad)
    )
    timers = Timers(dict.fromkeys(Severity, 30.0))
    identity = alert("a").identity
    assert identity.rule == FAILING
    kept.add(identity, AlertRecord(state, timers))
    assert kept.pending == {"a": due}
