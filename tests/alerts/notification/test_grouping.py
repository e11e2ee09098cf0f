"""Who is notified of what: one incident, with a log entry for each notifier."""

from collections.abc import Sequence

from msgspec.structs import replace

from alerts.model import Alert, Fingerprint, Severity
from alerts.notification.grouping import GroupStore
from alerts.notification.message import AlertGroup as Incident
from alerts.notification.message import MessageContext
from alerts.notification.occasion import MIN_INTERVAL_SECONDS
from alerts.notification.route import (
    GROUP_INTERVAL_SECONDS,
    GROUP_WAIT_SECONDS,
    Route,
    Routes,
    RouteTable,
)
from alerts.notification.route import REPEAT_INTERVAL_SECONDS as REMIND_SECONDS

BOTH = frozenset(Severity)
CHAT = Route("chat", BOTH, REMIND_SECONDS)
PAGER = Route("pager", frozenset({Severity.CRITICAL}), REMIND_SECONDS)
SETTING = MessageContext("lax", "https://probe.example.org", changes=("version 1 → 2, 5 min ago",))


def alert(check: str, severity: Severity = Severity.CRITICAL, since: float = 0.0) -> Alert:
    """An alert of a check that fails."""
    return Alert(
        identity=Fingerprint(check, "failing"),
        severity=severity,
        since=since,
        fired=since,
        summary="it is down",
        kind="http",
        target="https://example.org/",
        region="lax",
        runbook="backend-down",
    )


def group_store(*own: RouteTable) -> GroupStore:
    """A group store with a chat for everything and a pager for what is critical."""
    return GroupStore(Routes([CHAT, PAGER], own))


def sent(
    group_store: GroupStore,
    now: float,
    firing: Sequence[Alert] = (),
    suppressed: Sequence[Alert] = (),
    over: Sequence[Alert] = (),
) -> list[tuple[str, str, str]]:
    """What is sent now of one subject: (notifier, occasion, title)."""
    incident = Incident("backend", tuple(firing), tuple(suppressed), tuple(over))
    deliveries = group_store.settle([incident], now, SETTING)
    return [(each.notifier, each.message.occasion.value, each.message.title) for each in deliveries]


def test_a_message_says_what_changed_what_to_do_and_where_to_read_on() -> None:
    (delivery, _) = group_store().settle([Incident("backend", (alert("health"),))], 0, SETTING)
    message = delivery.message
    assert message.changes == SETTING.changes
    assert message.text.count("\n") >= 1
    assert dict(message.links) == {
        "status page": "https://probe.example.org/",
        "runbook": "https://probe.example.org/runbooks/backend-down",
    }


def test_a_firing_alert_is_sent_once_to_each_matching_receiver() -> None:
    here = group_store()
    assert sent(here, 0, [alert("health")]) == [
        ("chat", "firing", "health: it is down"),
        ("pager", "firing", "health: it is down"),
    ]
    assert sent(here, 10, [alert("health")]) == []


def test_a_warning_pages_no_one_and_waits_for_others_of_its_incident() -> None:
    here, warning = group_store(), alert("a", Severity.WARNING)
    assert sent(here, 0, [warning]) == []
    assert here.next_time([Incident("backend", (warning,))], 0) == GROUP_WAIT_SECONDS
    both = [warning, alert("b", Severity.WARNING)]
    assert sent(here, GROUP_WAIT_SECONDS, both) == [
        ("chat", "firing", "a: it is down (and 1 more)"),
    ]


def test_a_warning_that_becomes_critical_while_it_waits_is_one_message() -> None:
    here = group_store()
    assert sent(here, 0, [alert("a", Severity.WARNING)]) == []
    assert [line[1] for line in sent(here, 1, [alert("a")])] == ["firing", "firing"]


def test_many_alerts_of_one_subject_are_one_message() -> None:
    checks = [alert("health", since=5.0), alert("ready", since=3.0), alert("signaling", since=9.0)]
    (chat, _) = sent(group_store(), 10, checks)
    assert chat == ("chat", "firing", "ready: it is down (and 2 more)")


def test_what_joins_is_gathered_before_it_is_reported() -> None:
    here = group_store()
    sent(here, 0, [alert("health")])
    both = [alert("health"), alert("ready")]
    assert sent(here, GROUP_INTERVAL_SECONDS - 1, both) == []
    incident = Incident("backend", tuple(both))
    assert here.next_time([incident], 1.0) == GROUP_INTERVAL_SECONDS
    occasions = [occasion for _, occasion, _ in sent(here, GROUP_INTERVAL_SECONDS, both)]
    assert occasions == ["changed", "changed"]


def test_a_rise_in_severity_is_sent_at_once_and_a_fall_after_the_group_interval() -> None:
    here, mild = group_store(), alert("health", Severity.WARNING)
    sent(here, GROUP_WAIT_SECONDS, [mild])
    assert [each[:2] for each in sent(here, 16, [alert("health")])] == [
        ("chat", "changed"),
        ("pager", "firing"),
    ]
    assert sent(here, 20, [mild]) == [("pager", "resolved", "health: no longer critical")]
    assert sent(here, 16 + GROUP_INTERVAL_SECONDS, [mild]) == [
        ("chat", "changed", "health: it is down"),
    ]


def test_a_member_that_recovered_is_no_news() -> None:
    here = group_store()
    sent(here, 0, [alert("health"), alert("ready")])
    assert sent(here, 2 * GROUP_INTERVAL_SECONDS, [alert("health")], over=[alert("ready")]) == []
    end = here.settle([Incident("backend", over=(alert("health"), alert("ready")))], 700, SETTING)
    assert {each.message.title for each in end} == {"health, ready recovered"}


def test_an_update_says_what_changed() -> None:
    here = group_store()
    sent(here, 0, [alert("health"), alert("old")])
    incident = Incident("backend", (alert("health"), alert("ready")), over=(alert("old"),))
    (update, _) = here.settle([incident], GROUP_INTERVAL_SECONDS, SETTING)
    assert update.message.news == ("now also ready: it is down", "recovered: old")


def test_something_else_that_is_wrong_is_sent_at_once() -> None:
    here = group_store()
    redis = replace(alert("health"), cause="service_down", summary="redis is down")
    pubsub = replace(redis, summary="pubsub is down")
    sent(here, 0, [redis])
    assert sent(here, MIN_INTERVAL_SECONDS - 1, [pubsub]) == []
    (update, _) = here.settle([Incident("backend", (pubsub,))], MIN_INTERVAL_SECONDS, SETTING)
    assert update.message.news == ("health: pubsub is down (was: redis is down)",)
    assert sent(here, 3 * MIN_INTERVAL_SECONDS, [pubsub]) == []


def test_nothing_leaves_that_is_not_certain_any_more() -> None:
    here = group_store()
    here.confirm = lambda each: each.identity.check != "health"
    assert sent(here, 0, [alert("health")]) == []
    sent(here, 20, [alert("health"), alert("ready")])
    assert sent(here, 20 + GROUP_INTERVAL_SECONDS, [alert("health"), alert("ready")]) == []
    here.confirm = lambda each: False
    rise = [alert("health"), alert("ready"), alert("new")]
    assert sent(here, REMIND_SECONDS * 2, rise) == []
    assert len(sent(here, REMIND_SECONDS * 2 + 1)) == 2


def test_what_was_suppressed_before_it_was_sent_holds_no_incident_open() -> None:
    store, known, silenced = group_store(), alert("health"), alert("ready")
    assert len(sent(store, 0, [known], suppressed=[silenced])) == 2
    ends = sent(store, 60, suppressed=[silenced], over=[known])
    assert ends == [
        ("chat", "resolved", "health recovered"),
        ("pager", "resolved", "health recovered"),
    ]
    # What still fires when its silence is over is an incident of its own.
    assert [each[:2] for each in sent(store, 90, [silenced])] == [
        ("chat", "firing"),
        ("pager", "firing"),
    ]


def test_what_is_suppressed_after_it_was_sent_holds_its_incident_open() -> None:
    store, first, second = group_store(), alert("health"), alert("ready")
    assert len(sent(store, 0, [first, second])) == 2
    assert sent(store, 60, suppressed=[second], over=[first]) == []
    assert [each[1] for each in sent(store, 90, over=[first, second])] == ["resolved"] * 2
