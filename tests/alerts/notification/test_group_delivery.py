"""What was refused, suppressed or shared is notified of until a receiver has it; then it ends."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.model import Message, MessageType, Severity
from alerts.notification.grouping import GroupStore, alert_groups
from alerts.notification.message import AlertGroup as Incident
from alerts.notification.notification_log import Notified
from alerts.notification.route import (
    GROUP_INTERVAL_SECONDS,
    GROUP_WAIT_SECONDS,
    Route,
    Routes,
    RouteTable,
)
from alerts.notification.route import REPEAT_INTERVAL_SECONDS as REMIND_SECONDS
from alerts.notification.template import headline
from alerts.role import Assignment, Role
from tests.alerts.notification.test_grouping import (
    BOTH,
    CHAT,
    PAGER,
    SETTING,
    alert,
    group_store,
    sent,
)


def refuse(here: GroupStore, now: float, attempts: int = 1) -> None:
    """The pager refuses what it is sent."""
    incident = Incident("backend", (alert("health"),))
    for delivery in here.settle([incident], now, SETTING):
        if delivery.notifier == "pager":
            here.log.refused(replace(delivery, attempts=attempts), now)
        else:
            here.log.delivered(delivery, 0.0)


def test_what_was_refused_is_sent_again_after_the_group_interval_and_a_restart() -> None:
    here = group_store()
    refuse(here, 0)
    assert Notified(here.log, here.routes)(alert("health")) == "refused by pager"
    assert sent(here, GROUP_INTERVAL_SECONDS - 1, [alert("health")]) == []
    again = sent(here, GROUP_INTERVAL_SECONDS, [alert("health")])
    assert [each[:2] for each in again] == [("pager", "firing")]
    before = group_store()
    refuse(before, 0)
    after = group_store()
    after.restore({name: text for name, text in before.log.documents().items() if text is not None})
    again = sent(after, 1, [alert("health")])
    assert [each[:2] for each in again] == [("pager", "firing")]


def test_what_was_never_accepted_is_not_resolved() -> None:
    here = group_store()
    refuse(here, 0)
    assert [each[:2] for each in sent(here, 10)] == [("chat", "resolved")]
    here = group_store()
    refuse(here, 0, attempts=2)  # the first attempt may have arrived
    assert [each[:2] for each in sent(here, 10)] == [("chat", "resolved"), ("pager", "resolved")]


def test_a_resolve_that_was_refused_is_sent_until_it_is_accepted() -> None:
    here = group_store()
    sent(here, 0, [alert("health")])
    (_, resolve) = here.settle([], 10, SETTING)
    here.log.refused(resolve, 10)
    after = group_store()
    after.restore({name: text for name, text in here.log.documents().items() if text is not None})
    (again,) = after.settle([], 20, SETTING)
    after.log.refused(again, 20)
    assert after.settle([], 20 + GROUP_INTERVAL_SECONDS - 1, SETTING) == []
    assert after.next_time([], 21) == 20 + GROUP_INTERVAL_SECONDS
    (again,) = after.settle([], 20 + GROUP_INTERVAL_SECONDS, SETTING)
    after.log.delivered(again, 0.0)
    assert after.settle([], 1000, SETTING) == []
    assert set(after.log.documents().values()) == {None}


def test_a_receiver_that_forgets_is_repeated_to_also_while_it_is_suppressed() -> None:
    keeps = Route(
        "keeps", BOTH, 60.0, deduplicates=True, group_wait=0, group_interval=0, resends=True
    )
    here, mild = GroupStore(Routes([keeps])), alert("b", Severity.WARNING)
    assert sent(here, 0, [mild]) == [("keeps", "firing", "b: it is down")]
    both = [alert("a"), mild]
    assert [line[1] for line in sent(here, 1, both)] == ["changed"]
    assert [line[1] for line in sent(here, 61, suppressed=both)] == ["reminder"]
    # What begins while it is suppressed is not sent.
    assert [line[1] for line in sent(here, 121, suppressed=[*both, alert("new")])] == ["reminder"]
    assert [line[1] for line in sent(here, 122, suppressed=[mild])] == ["changed"]
    assert [line[1] for line in sent(here, 123)] == ["resolved"]


def test_its_end_is_reported_with_what_was_over() -> None:
    here = group_store()
    sent(here, 0, [alert("health")])
    ended = replace(alert("health"), ended=50.0)
    (message, _) = (
        each.message for each in here.settle([Incident("backend", over=(ended,))], 50, SETTING)
    )
    assert message.occasion is MessageType.RESOLVED
    assert message.title == "health recovered"
    assert message.resolved == (ended,)
    assert message.since == 0.0
    assert sent(here, 60) == []


def test_an_incident_that_no_one_speaks_of_any_more_is_over() -> None:
    here = group_store()
    sent(here, 0, [alert("health")])
    occasions = [each.message.occasion for each in here.settle([], 10, SETTING)]
    assert occasions == [MessageType.RESOLVED, MessageType.RESOLVED]


def test_muted_alerts_are_reported_when_they_still_fire_afterwards() -> None:
    here = group_store()
    assert sent(here, 0, suppressed=[alert("health")]) == []
    assert len(sent(here, 100, [alert("health")])) == 2


def test_muting_what_was_sent_is_no_end() -> None:
    here = group_store()
    sent(here, 0, [alert("health")])
    assert sent(here, 10, suppressed=[alert("health")]) == []
    assert [occasion for _, occasion, _ in sent(here, 20)] == ["resolved", "resolved"]


def test_what_goes_on_firing_is_repeated() -> None:
    here = group_store()
    sent(here, 0, [alert("health")])
    assert sent(here, REMIND_SECONDS - 1, [alert("health")]) == []
    occasions = [occasion for _, occasion, _ in sent(here, REMIND_SECONDS, [alert("health")])]
    assert occasions == ["reminder", "reminder"]


def test_an_own_route_goes_before_the_others() -> None:
    here = group_store(RouteTable(matches=("frontend",), notify=("chat",)), RouteTable(notify=()))
    assert [name for name, *_ in sent(here, 0, [alert("frontend")])] == ["chat"]
    assert sent(group_store(RouteTable(notify=())), 0, [alert("health")]) == []


def test_a_severity_without_a_route_is_known() -> None:
    assert Routes([PAGER]).unrouted_severities == [Severity.WARNING]
    assert Routes([CHAT]).unrouted_severities == []
    assert Routes([PAGER], [RouteTable(notify=("pager",))]).unrouted_severities == []


def test_views_survive_a_restart() -> None:
    before = group_store()
    sent(before, 0, [alert("health")])
    documents = {name: text for name, text in before.log.documents().items() if text is not None}
    after = group_store()
    after.restore({**documents, "view:nonsense": "{", "alert:x": "{}"})
    assert sent(after, 10, [alert("health")]) == []
    assert [occasion for _, occasion, _ in sent(after, 20)] == ["resolved", "resolved"]
    assert set(after.log.documents().values()) == {None}


def test_alerts_are_grouped_by_what_they_are_about() -> None:
    subjects = {"health": "backend", "ready": "backend", "turn": "TURN primary"}
    found = alert_groups(
        [alert("health"), alert("turn"), alert("ready")],
        [],
        lambda each: subjects[each.identity.check],
        lambda each: each.identity.check == "ready",
    )
    assert [(each.subject, len(each.firing), len(each.suppressed)) for each in found] == [
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
    for gap, severity, suppressed in [*steps, (1, None, False)]:
        now += gap
        alerts = (alert("health", severity),) if severity else ()
        incident = Incident("backend", () if suppressed else alerts, alerts if suppressed else ())
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
    assert sent(here, GROUP_WAIT_SECONDS, [slow]) == []
    assert here.next_time([Incident("backend", (slow,))], 0) == 60
    assert [each[:2] for each in sent(here, 60, [slow])] == [("chat", "firing")]
    joined = [slow, alert("slow.too", Severity.WARNING)]
    assert sent(here, 60 + GROUP_INTERVAL_SECONDS, joined) == []
    assert [each[:2] for each in sent(group_store(), GROUP_WAIT_SECONDS, [other])] == [
        ("chat", "firing")
    ]


def test_an_alert_that_is_routed_away_while_it_fires_has_not_recovered_or_eased() -> None:
    here = group_store()
    sent(here, 0, [alert("health"), alert("ready")])
    here.routes = Routes([CHAT, PAGER], [RouteTable(notify=("chat",))])
    (away,) = here.settle([Incident("backend", (alert("health"), alert("ready")))], 10, SETTING)
    assert away.message.title == "health, ready are no longer routed here"
    assert headline(away.message).startswith("- CLOSED: ")
    ended = [Incident("backend", over=(alert("health"), alert("ready")))]
    assert [each.notifier for each in here.settle(ended, 20, SETTING)] == ["chat"]


def test_what_recovered_before_the_rest_was_routed_away_is_named_as_such() -> None:
    here = group_store()
    sent(here, 0, [alert("health"), alert("ready")])
    here.routes = Routes([CHAT, PAGER], [RouteTable(notify=())])
    left = Incident("backend", (alert("ready"),), over=(alert("health"),))
    titles = {each.message.title for each in here.settle([left], 10, SETTING)}
    assert titles == {"health recovered; ready is no longer routed here"}


def test_an_alert_that_eases_is_still_said_to_ease() -> None:
    here = group_store()
    sent(here, 0, [alert("health")])
    (eased,) = sent(here, 10, [alert("health", Severity.WARNING)])
    assert eased == ("pager", "resolved", "health: no longer critical")


def test_ones_own_message_is_changed_at_the_end_though_another_probe_has_opened_it_again() -> None:
    here, steps = group_store(), [Assignment(Role.SEND)]
    here.assign = lambda *_: steps.pop(0) if len(steps) > 1 else steps[0]
    assert ("chat", "firing") in [each[:2] for each in sent(here, 0, [alert("health")])]
    steps[:] = [Assignment(Role.REOPEN), Assignment(Role.STANDBY, "fra")]
    assert "chat" not in [each[0] for each in sent(here, 60, [alert("health")])]
    steps[:] = [Assignment(Role.FORGET)]
    found = here.settle([Incident("backend")], 120, SETTING)
    assert [each.message.quiet for each in found if each.notifier == "chat"] == [True]


def test_who_has_sent_nothing_changes_nothing_at_the_end() -> None:
    here, steps = group_store(), [Assignment(Role.STANDBY, "fra")]
    here.assign = lambda *_: steps[0]
    sent(here, 0, [alert("health")])
    steps[:] = [Assignment(Role.FORGET)]
    found = here.settle([Incident("backend")], 120, SETTING)
    assert [each for each in found if each.notifier == "chat"] == []
