"""Who is told what: one incident, one story, for each notifier its own."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from alerts.model import Alert, Fingerprint, Message, MessageType, Severity
from alerts.notification.alert_groups import incidents_of
from alerts.notification.grouping import (
    GATHER_SECONDS,
    REMIND_SECONDS,
    AlertGroup,
    GroupStore,
    MessageContext,
)
from alerts.notification.route import Route, Routes, RouteTable

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


def desk(*own: RouteTable) -> GroupStore:
    """A desk with a chat for everything and a pager for what is critical."""
    return GroupStore(Routes([CHAT, PAGER], own))


def told(
    desk: GroupStore,
    now: float,
    burning: Sequence[Alert] = (),
    muted: Sequence[Alert] = (),
    over: Sequence[Alert] = (),
) -> list[tuple[str, str, str]]:
    """What is told now of one subject: (notifier, occasion, title)."""
    incident = AlertGroup("backend", tuple(burning), tuple(muted), tuple(over))
    deliveries = desk.settle([incident], now, SETTING)
    return [(each.notifier, each.message.occasion.value, each.message.title) for each in deliveries]


def test_a_message_says_what_changed_what_to_do_and_where_to_read_on() -> None:
    (delivery, _) = desk().settle([AlertGroup("backend", (alert("health"),))], 0, SETTING)
    message = delivery.message
    assert message.changes == SETTING.changes
    assert message.text.count("\n") >= 1
    assert dict(message.links) == {
        "status page": "https://probe.example.org/",
        "runbook": "https://probe.example.org/runbooks/backend-down",
    }


def test_what_burns_is_told_once_to_everybody_whom_it_concerns() -> None:
    here = desk()
    assert told(here, 0, [alert("health")]) == [
        ("chat", "firing", "health: it is down"),
        ("pager", "firing", "health: it is down"),
    ]
    assert told(here, 10, [alert("health")]) == []


def test_a_warning_wakes_nobody() -> None:
    assert [name for name, *_ in told(desk(), 0, [alert("a", Severity.WARNING)])] == ["chat"]


def test_many_alerts_of_one_subject_are_one_message() -> None:
    checks = [alert("health", since=5.0), alert("ready", since=3.0), alert("signaling", since=9.0)]
    (chat, _) = told(desk(), 10, checks)
    assert chat == ("chat", "firing", "ready: it is down (and 2 more)")


def test_what_joins_is_gathered_before_it_is_told() -> None:
    here = desk()
    told(here, 0, [alert("health")])
    both = [alert("health"), alert("ready")]
    assert told(here, GATHER_SECONDS - 1, both) == []
    incident = AlertGroup("backend", tuple(both))
    assert here.next_time([incident], 1.0) == GATHER_SECONDS
    occasions = [occasion for _, occasion, _ in told(here, GATHER_SECONDS, both)]
    assert occasions == ["changed", "changed"]


def test_the_pager_is_resolved_when_it_eases_to_a_warning() -> None:
    here = desk()
    told(here, 0, [alert("health")])
    assert told(here, 5, [alert("health", Severity.WARNING)]) == [
        ("chat", "changed", "health: it is down"),
        ("pager", "resolved", "health: no longer critical"),
    ]
    occasions = told(here, 10, [alert("health", Severity.CRITICAL)])
    assert [(name, occasion) for name, occasion, _ in occasions] == [
        ("chat", "changed"),
        ("pager", "firing"),
    ]


def test_its_end_is_told_with_what_was_over() -> None:
    here = desk()
    told(here, 0, [alert("health")])
    ended = replace(alert("health"), ended=50.0)
    (message, _) = (
        each.message for each in here.settle([AlertGroup("backend", over=(ended,))], 50, SETTING)
    )
    assert message.occasion is MessageType.RESOLVED
    assert message.title == "health is well again"
    assert message.resolved == (ended,)
    assert message.since == 0.0
    assert told(here, 60) == []


def test_an_incident_that_nobody_speaks_of_any_more_is_over() -> None:
    here = desk()
    told(here, 0, [alert("health")])
    occasions = [each.message.occasion for each in here.settle([], 10, SETTING)]
    assert occasions == [MessageType.RESOLVED, MessageType.RESOLVED]


def test_muted_alerts_are_told_when_they_still_burn_afterwards() -> None:
    here = desk()
    assert told(here, 0, muted=[alert("health")]) == []
    assert len(told(here, 100, [alert("health")])) == 2


def test_muting_what_was_told_is_no_end() -> None:
    here = desk()
    told(here, 0, [alert("health")])
    assert told(here, 10, muted=[alert("health")]) == []
    assert [occasion for _, occasion, _ in told(here, 20)] == ["resolved", "resolved"]


def test_what_goes_on_burning_is_brought_to_mind() -> None:
    here = desk()
    told(here, 0, [alert("health")])
    assert told(here, REMIND_SECONDS - 1, [alert("health")]) == []
    occasions = [occasion for _, occasion, _ in told(here, REMIND_SECONDS, [alert("health")])]
    assert occasions == ["reminder", "reminder"]


def test_an_own_route_goes_before_the_others() -> None:
    here = desk(RouteTable(matches=("frontend",), notify=("chat",)), RouteTable(notify=()))
    assert [name for name, *_ in told(here, 0, [alert("frontend")])] == ["chat"]
    assert told(desk(RouteTable(notify=())), 0, [alert("health")]) == []


def test_a_severity_without_a_route_is_known() -> None:
    assert Routes([PAGER]).unrouted_severities == [Severity.WARNING]
    assert Routes([CHAT]).unrouted_severities == []
    assert Routes([PAGER], [RouteTable(notify=("pager",))]).unrouted_severities == []


def test_views_survive_a_restart() -> None:
    before = desk()
    told(before, 0, [alert("health")])
    documents = {name: text for name, text in before.documents().items() if text is not None}
    after = desk()
    after.restore({**documents, "view:nonsense": "{", "alert:x": "{}"})
    assert told(after, 10, [alert("health")]) == []
    assert [occasion for _, occasion, _ in told(after, 20)] == ["resolved", "resolved"]
    assert set(after.documents().values()) == {None}


def test_alerts_are_grouped_by_what_they_are_about() -> None:
    subjects = {"health": "backend", "ready": "backend", "turn": "TURN primary"}
    found = incidents_of(
        [alert("health"), alert("turn"), alert("ready")],
        [],
        lambda each: subjects[each.identity.check],
        lambda each: each.identity.check == "ready",
    )
    assert [(each.subject, len(each.burning), len(each.muted)) for each in found] == [
        ("backend", 1, 1),
        ("TURN primary", 1, 0),
    ]


levels = st.lists(
    st.tuples(st.integers(1, 200), st.sampled_from([None, *Severity]), st.booleans()),
    max_size=40,
)


@given(levels)
def test_each_opening_has_exactly_one_end(steps: list[tuple[int, Severity | None, bool]]) -> None:
    here, now = desk(), 0.0
    stories: dict[str, list[Message]] = {"chat": [], "pager": []}
    for gap, severity, muted in [*steps, (1, None, False)]:
        now += gap
        alerts = (alert("health", severity),) if severity else ()
        incident = AlertGroup("backend", () if muted else alerts, alerts if muted else ())
        for delivery in here.settle([incident], now, SETTING):
            stories[delivery.notifier].append(delivery.message)
    for story in stories.values():
        opened = False
        for message in story:
            assert (message.occasion is MessageType.FIRING) is not opened
            opened = message.occasion is not MessageType.RESOLVED
        assert not opened
