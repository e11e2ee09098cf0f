"""Who is notified of what: one incident, with a log entry for each notifier."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from alerts.model import Alert, Fingerprint, Message, MessageType, Severity
from alerts.notification.grouping import GroupStore, alert_groups
from alerts.notification.message import AlertGroup as Incident
from alerts.notification.message import MessageContext
from alerts.notification.occasion import SHORTEST_INTERVAL_SECONDS
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


def told(
    group_store: GroupStore,
    now: float,
    burning: Sequence[Alert] = (),
    muted: Sequence[Alert] = (),
    over: Sequence[Alert] = (),
) -> list[tuple[str, str, str]]:
    """What is sent now of one subject: (notifier, occasion, title)."""
    incident = Incident("backend", tuple(burning), tuple(muted), tuple(over))
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


def test_what_fires_is_reported_once_to_everybody_whom_it_concerns() -> None:
    here = group_store()
    assert told(here, 0, [alert("health")]) == [
        ("chat", "firing", "health: it is down"),
        ("pager", "firing", "health: it is down"),
    ]
    assert told(here, 10, [alert("health")]) == []


def test_a_warning_pages_no_one_and_waits_for_others_of_its_incident() -> None:
    here, warning = group_store(), alert("a", Severity.WARNING)
    assert told(here, 0, [warning]) == []
    assert here.next_time([Incident("backend", (warning,))], 0) == GROUP_WAIT_SECONDS
    both = [warning, alert("b", Severity.WARNING)]
    assert told(here, GROUP_WAIT_SECONDS, both) == [
        ("chat", "firing", "a: it is down (and 1 more)"),
    ]


def test_a_warning_that_becomes_critical_while_it_waits_is_one_message() -> None:
    here = group_store()
    assert told(here, 0, [alert("a", Severity.WARNING)]) == []
    assert [line[1] for line in told(here, 1, [alert("a")])] == ["firing", "firing"]


def test_many_alerts_of_one_subject_are_one_message() -> None:
    checks = [alert("health", since=5.0), alert("ready", since=3.0), alert("signaling", since=9.0)]
    (chat, _) = told(group_store(), 10, checks)
    assert chat == ("chat", "firing", "ready: it is down (and 2 more)")


def test_what_joins_is_gathered_before_it_is_reported() -> None:
    here = group_store()
    told(here, 0, [alert("health")])
    both = [alert("health"), alert("ready")]
    assert told(here, GROUP_INTERVAL_SECONDS - 1, both) == []
    incident = Incident("backend", tuple(both))
    assert here.next_time([incident], 1.0) == GROUP_INTERVAL_SECONDS
    occasions = [occasion for _, occasion, _ in told(here, GROUP_INTERVAL_SECONDS, both)]
    assert occasions == ["changed", "changed"]


def test_a_rise_in_severity_is_sent_at_once_and_a_fall_after_the_group_interval() -> None:
    here, mild = group_store(), alert("health", Severity.WARNING)
    told(here, GROUP_WAIT_SECONDS, [mild])
    assert [each[:2] for each in told(here, 16, [alert("health")])] == [
        ("chat", "changed"),
        ("pager", "firing"),
    ]
    assert told(here, 20, [mild]) == [("pager", "resolved", "health: no longer critical")]
    assert told(here, 16 + GROUP_INTERVAL_SECONDS, [mild]) == [
        ("chat", "changed", "health: it is down"),
    ]


def test_a_member_that_recovered_is_no_news() -> None:
    here = group_store()
    told(here, 0, [alert("health"), alert("ready")])
    assert told(here, 2 * GROUP_INTERVAL_SECONDS, [alert("health")], over=[alert("ready")]) == []
    end = here.settle([Incident("backend", over=(alert("health"), alert("ready")))], 700, SETTING)
    assert {each.message.title for each in end} == {"health, ready recovered"}


def test_an_update_says_what_changed() -> None:
    here = group_store()
    told(here, 0, [alert("health"), alert("old")])
    incident = Incident("backend", (alert("health"), alert("ready")), over=(alert("old"),))
    (update, _) = here.settle([incident], GROUP_INTERVAL_SECONDS, SETTING)
    assert update.message.news == ("now also ready: it is down", "recovered: old")


def test_something_else_that_is_wrong_is_sent_at_once() -> None:
    here = group_store()
    redis = replace(alert("health"), cause="service_down", summary="redis is down")
    pubsub = replace(redis, summary="pubsub is down")
    told(here, 0, [redis])
    assert told(here, SHORTEST_INTERVAL_SECONDS - 1, [pubsub]) == []
    (update, _) = here.settle([Incident("backend", (pubsub,))], SHORTEST_INTERVAL_SECONDS, SETTING)
    assert update.message.news == ("health: pubsub is down (was: redis is down)",)
    assert told(here, 3 * SHORTEST_INTERVAL_SECONDS, [pubsub]) == []


def test_nothing_leaves_that_is_not_certain_any_more() -> None:
    here = group_store()
    here.confirm = lambda each: each.identity.check != "health"
    assert told(here, 0, [alert("health")]) == []
    told(here, 20, [alert("health"), alert("ready")])
    assert told(here, 20 + GROUP_INTERVAL_SECONDS, [alert("health"), alert("ready")]) == []
    here.confirm = lambda each: False
    rise = [alert("health"), alert("ready"), alert("new")]
    assert told(here, REMIND_SECONDS * 2, rise) == []
    assert len(told(here, REMIND_SECONDS * 2 + 1)) == 2


def refuse(here: GroupStore, now: float, attempts: int = 1) -> None:
    """The pager refuses what it is sent."""
    incident = Incident("backend", (alert("health"),))
    for delivery in here.settle([incident], now, SETTING):
        if delivery.notifier == "pager":
            here.log.refused(replace(delivery, attempts=attempts), now)
        else:
            here.log.delivered(delivery)


def test_what_was_refused_is_sent_again_after_the_group_interval_and_a_restart() -> None:
    here = group_store()
    refuse(here, 0)
    assert here.notified(alert("health")) == "refused by pager"
    assert told(here, GROUP_INTERVAL_SECONDS - 1, [alert("health")]) == []
    again = told(here, GROUP_INTERVAL_SECONDS, [alert("health")])
    assert [each[:2] for each in again] == [("pager", "firing")]
    before = group_store()
    refuse(before, 0)
    after = group_store()
    after.restore({name: text for name, text in before.documents().items() if text is not None})
    again = told(after, 1, [alert("health")])
    assert [each[:2] for each in again] == [("pager", "firing")]


def test_what_was_never_accepted_is_not_resolved() -> None:
    here = group_store()
    refuse(here, 0)
    assert [each[:2] for each in told(here, 10)] == [("chat", "resolved")]
    here = group_store()
    refuse(here, 0, attempts=2)  # the first attempt may have arrived
    assert [each[:2] for each in told(here, 10)] == [("chat", "resolved"), ("pager", "resolved")]


def test_a_resolve_that_was_refused_is_sent_until_it_is_accepted() -> None:
    here = group_store()
    told(here, 0, [alert("health")])
    (_, resolve) = here.settle([], 10, SETTING)
    here.log.refused(resolve, 10)
    after = group_store()
    after.restore({name: text for name, text in here.documents().items() if text is not None})
    (again,) = after.settle([], 20, SETTING)
    after.log.refused(again, 20)
    assert after.settle([], 20 + GROUP_INTERVAL_SECONDS - 1, SETTING) == []
    assert after.next_time([], 21) == 20 + GROUP_INTERVAL_SECONDS
    (again,) = after.settle([], 20 + GROUP_INTERVAL_SECONDS, SETTING)
    after.log.delivered(again)
    assert after.settle([], 1000, SETTING) == []
    assert set(after.documents().values()) == {None}


def test_a_receiver_that_forgets_is_repeated_to_also_while_it_is_suppressed() -> None:
    keeps = Route(
        "keeps", BOTH, 60.0, deduplicates=True, group_wait=0, group_interval=0, resends=True
    )
    here, mild = GroupStore(Routes([keeps])), alert("b", Severity.WARNING)
    assert told(here, 0, [mild]) == [("keeps", "firing", "b: it is down")]
    both = [alert("a"), mild]
    assert [line[1] for line in told(here, 1, both)] == ["changed"]
    assert [line[1] for line in told(here, 61, muted=both)] == ["reminder"]
    # What begins while it is suppressed is not sent.
    assert [line[1] for line in told(here, 121, muted=[*both, alert("new")])] == ["reminder"]
    assert [line[1] for line in told(here, 122, muted=[mild])] == ["changed"]
    assert [line[1] for line in told(here, 123)] == ["resolved"]


def test_its_end_is_reported_with_what_was_over() -> None:
    here = group_store()
    told(here, 0, [alert("health")])
    ended = replace(alert("health"), ended=50.0)
    (message, _) = (
        each.message for each in here.settle([Incident("backend", over=(ended,))], 50, SETTING)
    )
    assert message.occasion is MessageType.RESOLVED
    assert message.title == "health recovered"
    assert message.resolved == (ended,)
    assert message.since == 0.0
    assert told(here, 60) == []


def test_an_incident_that_no_one_speaks_of_any_more_is_over() -> None:
    here = group_store()
    told(here, 0, [alert("health")])
    occasions = [each.message.occasion for each in here.settle([], 10, SETTING)]
    assert occasions == [MessageType.RESOLVED, MessageType.RESOLVED]


def test_muted_alerts_are_reported_when_they_still_fire_afterwards() -> None:
    here = group_store()
    assert told(here, 0, muted=[alert("health")]) == []
    assert len(told(here, 100, [alert("health")])) == 2


def test_muting_what_was_told_is_no_end() -> None:
    here = group_store()
    told(here, 0, [alert("health")])
    assert told(here, 10, muted=[alert("health")]) == []
    assert [occasion for _, occasion, _ in told(here, 20)] == ["resolved", "resolved"]


def test_what_goes_on_burning_is_brought_to_mind() -> None:
    here = group_store()
    told(here, 0, [alert("health")])
    assert told(here, REMIND_SECONDS - 1, [alert("health")]) == []
    occasions = [occasion for _, occasion, _ in told(here, REMIND_SECONDS, [alert("health")])]
    assert occasions == ["reminder", "reminder"]


def test_an_own_route_goes_before_the_others() -> None:
    here = group_store(RouteTable(matches=("frontend",), notify=("chat",)), RouteTable(notify=()))
    assert [name for name, *_ in told(here, 0, [alert("frontend")])] == ["chat"]
    assert told(group_store(RouteTable(notify=())), 0, [alert("health")]) == []


def test_a_severity_without_a_route_is_known() -> None:
    assert Routes([PAGER]).unrouted_severities == [Severity.WARNING]
    assert Routes([CHAT]).unrouted_severities == []
    assert Routes([PAGER], [RouteTable(notify=("pager",))]).unrouted_severities == []


def test_views_survive_a_restart() -> None:
    before = group_store()
    told(before, 0, [alert("health")])
    documents = {name: text for name, text in before.documents().items() if text is not None}
    after = group_store()
    after.restore({**documents, "view:nonsense": "{", "alert:x": "{}"})
    assert told(after, 10, [alert("health")]) == []
    assert [occasion for _, occasion, _ in told(after, 20)] == ["resolved", "resolved"]
    assert set(after.documents().values()) == {None}


def test_alerts_are_grouped_by_what_they_are_about() -> None:
    subjects = {"health": "backend", "ready": "backend", "turn": "TURN primary"}
    found = alert_groups(
        [alert("health"), alert("turn"), alert("ready")],
        [],
        lambda each: subjects[each.identity.check],
        lambda each: each.identity.check == "ready",
    )
    assert [(each.subject, len(each.firing), len(each.muted)) for each in found] == [
        ("backend", 1, 1),
        ("TURN primary", 1, 0),
    ]


levels = st.lists(
    st.tuples(st.integers(1, 200), st.sampled_from([None, *Severity]), st.booleans()),
    max_size=40,
)


@given(levels)
def test_each_opening_has_exactly_one_end(steps: list[tuple[int, Severity | None, bool]]) -> None:
    here, now = group_store(), 0.0
    stories: dict[str, list[Message]] = {"chat": [], "pager": []}
    for gap, severity, muted in [*steps, (1, None, False)]:
        now += gap
        alerts = (alert("health", severity),) if severity else ()
        incident = Incident("backend", () if muted else alerts, alerts if muted else ())
        for delivery in here.settle([incident], now, SETTING):
            stories[delivery.notifier].append(delivery.message)
    for story in stories.values():
        opened = False
        for message in story:
            assert (message.occasion is MessageType.FIRING) is not opened
            opened = message.occasion is not MessageType.RESOLVED
        assert not opened


def test_a_route_of_its_own_may_have_other_times() -> None:
    here = group_store(
        RouteTable(matches=("slow",), notify=("chat",), group_wait=60, group_interval=900)
    )
    slow, other = alert("slow", Severity.WARNING), alert("other", Severity.WARNING)
    assert told(here, GROUP_WAIT_SECONDS, [slow]) == []
    assert here.next_time([Incident("backend", (slow,))], 0) == 60
    assert [each[:2] for each in told(here, 60, [slow])] == [("chat", "firing")]
    joined = [slow, alert("slow.too", Severity.WARNING)]
    assert told(here, 60 + GROUP_INTERVAL_SECONDS, joined) == []
    assert [each[:2] for each in told(group_store(), GROUP_WAIT_SECONDS, [other])] == [
        ("chat", "firing")
    ]
