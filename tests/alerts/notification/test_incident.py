"""One cause is one incident, and what has another cause is another."""

import pytest
from msgspec.structs import replace

from alerts.model import Alert, Fingerprint, MessageType, Severity
from alerts.notification.incident import MAX_RESOLVED, OpenIncidents
from alerts.notification.message import (
    AlertGroup,
    MessageContext,
    firing_message,
    resolved_message,
)
from alerts.notification.notification_log import NotificationLogEntry
from alerts.notification.template import headline, lines
from tests.alerts.words import an_alert, page, services

GROUPS = {"health": "backend", "ready": "backend", "turn-a": "TURN a", "turn-b": "TURN b"}


def incidents(*critical: str) -> OpenIncidents:
    """Where these are known as critical to a receiver since the first minute."""
    return OpenIncidents(
        lambda alert: GROUPS.get(alert.identity.check, alert.identity.check),
        lambda key: 30.0 if key in critical else None,
    )


def turn(name: str, since: float) -> Alert:
    """A TURN check that fails."""
    return an_alert(f"turn-{name}", since, service="TURN servers")


def keys(here: OpenIncidents, *alerts: Alert) -> list[str]:
    """The incident of each, in their order."""
    here.assign(alerts)
    return [here.key_of(alert) for alert in alerts]


def test_what_begins_together_is_one_incident_named_after_the_most_severe() -> None:
    redis = an_alert("redis", 0.0, severity=Severity.WARNING)
    assert keys(incidents(), redis, an_alert("health", 90.0)) == ["backend", "backend"]


def test_what_joins_later_keeps_the_name() -> None:
    here, redis, health = incidents(), an_alert("redis", 0.0), an_alert("health", 110.0)
    assert keys(here, redis) == ["redis"]
    assert keys(here, redis, health) == ["redis", "redis"]


def test_the_same_service_is_one_incident_and_another_at_another_time_is_its_own() -> None:
    here = incidents()
    assert keys(here, turn("a", 0.0), turn("b", 600.0)) == ["TURN a", "TURN a"]
    assert keys(here, turn("a", 0.0), an_alert("health", 600.0)) == ["TURN a", "backend"]


def test_a_page_of_its_own_does_not_join_the_paged_incident_of_another_page() -> None:
    here = incidents("shop")
    assert keys(here, page("shop", 0.0)) == ["shop"]
    assert keys(here, page("shop", 0.0), page("blog", 10.0)) == ["shop", "blog"]


def test_pages_that_begin_to_fail_before_either_is_paged_are_one_incident() -> None:
    assert keys(incidents(), page("shop", 0.0), page("blog", 10.0)) == ["shop", "shop"]


def test_pages_of_services_that_fail_together_are_grouped() -> None:
    here, shop = incidents("shop"), page("shop", 0.0)
    assert keys(here, shop) == ["shop"]
    alerts = (shop, page("blog", 10.0), turn("a", 20.0))
    assert keys(here, *alerts) == ["shop", "shop", "shop"]


def test_a_page_is_not_swallowed_by_what_was_paged_long_ago() -> None:
    here, known = incidents("backend"), an_alert("ready", 0.0)
    assert keys(here, known) == ["backend"]
    assert keys(here, known, an_alert("health", 5000.0)) == ["backend", "backend health"]
    here = incidents()
    assert keys(here, known, an_alert("health", 5000.0)) == ["backend", "backend"]


def test_a_limit_that_was_passed_long_ago_takes_in_no_outage() -> None:
    certificate = replace(
        an_alert("health", 0.0, severity=Severity.WARNING), identity=Fingerprint("health", "expiry")
    )
    outage = an_alert("health", 5000.0)
    here = incidents()
    assert keys(here, certificate) == ["backend"]
    assert keys(here, certificate, outage) == ["backend", "backend health"]


def test_what_belongs_to_a_closed_incident_is_forgotten() -> None:
    here, health, ready = incidents(), an_alert("health"), an_alert("ready")
    keys(here, health, ready)
    here.add_resolved(replace(ready, ended=50.0))
    here.close(lambda key: True, [health])
    assert [alert.identity.check for alert in here.resolved] == ["ready"]
    # It fails again and recovers again: once, and from its first beginning on.
    here.add_resolved(replace(ready, since=60.0, ended=70.0))
    assert [(alert.since, alert.ended) for alert in here.resolved] == [(0.0, 70.0)]
    here.close(lambda key: False, [])
    assert here.resolved == []


def test_incidents_survive_a_restart() -> None:
    here, redis, health = incidents(), an_alert("redis", 0.0), an_alert("health", 60.0)
    keys(here, redis, health)
    here.add_resolved(replace(redis, ended=70.0))
    documents = here.documents()
    assert here.documents() == {}
    after = incidents()
    after.restore({name: text for name, text in documents.items() if text is not None})
    assert keys(after, health) == ["redis"]
    assert after.resolved == here.resolved
    after.restore({"incidents": "{"})
    after.close(lambda key: False, [])
    assert after.documents() == {}
    here.close(lambda key: False, [])
    assert here.documents() == {"incidents": None}


def test_an_incident_with_more_checks_than_are_kept_counts_them_all_when_it_ends() -> None:
    here, alerts = incidents(), services(2 * MAX_RESOLVED)
    here.assign(alerts)
    for alert in alerts:
        here.add_resolved(replace(alert, ended=60.0))
    [group] = here.with_members([AlertGroup("site-000", over=tuple(here.resolved))])
    assert len(group.over) == MAX_RESOLVED
    before = NotificationLogEntry(Severity.CRITICAL, ("site-000/failing",), 0.0, 0.0, 0.0)
    message = resolved_message(group, group.over, before, 60.0, MessageContext("lax"))
    assert message.title == f"{2 * MAX_RESOLVED} checks recovered"


def test_an_incident_of_which_all_is_kept_counts_what_its_receiver_was_sent() -> None:
    here, alerts = incidents(), services(MAX_RESOLVED - 1)
    here.assign(alerts)
    for alert in alerts:
        here.add_resolved(replace(alert, ended=60.0))
    [group] = here.with_members([AlertGroup("site-000", over=tuple(here.resolved))])
    assert group.members == ()


def test_checks_that_say_the_same_are_named_in_one_line() -> None:
    alerts = [replace(each, target="https://shop.example/") for each in services(30)]
    group = AlertGroup("site-000", tuple(alerts))
    message = firing_message(group, alerts, MessageType.FIRING, None, 40.0, MessageContext("lax"))
    said = list(lines(message))
    assert [line for line in said if "site-001" in line] == [
        "site-000, site-001, site-002, site-003, site-004, site-005, site-006, site-007,"
        " site-008, site-009 and 20 more"
    ]
    assert len(said) <= 4


def test_checks_that_fail_differently_are_listed_separately_in_a_message() -> None:
    alerts = [*services(3), *services(5, "certificate expired")[3:]]
    group = AlertGroup("site-000", tuple(alerts))
    message = firing_message(group, alerts, MessageType.FIRING, None, 40.0, MessageContext("lax"))
    said = list(lines(message))
    assert "site-000, site-001, site-002" in said
    assert "site-003, site-004: certificate expired" in said


@pytest.mark.parametrize(
    ("closed", "said"), [("", "What had failed:"), ("no longer monitored", "Last seen:")]
)
def test_a_resolved_incident_is_not_described_in_the_present_tense(closed: str, said: str) -> None:
    ended = replace(page("shop", 0.0), ended=60.0, closed=closed)
    before = NotificationLogEntry(Severity.CRITICAL, ("shop/failing",), 0.0, 0.0, 0.0)
    group = AlertGroup("shop", over=(ended,))
    message = resolved_message(group, (ended,), before, 60.0, MessageContext("lax"))
    heading = list(lines(message)).index(said)
    assert list(lines(message))[heading + 1].startswith("shop")


@pytest.mark.parametrize(
    ("value", "limit", "said"),
    [("yes", "should be no", False), ("no", "should be yes", False), ("9 s", "above 5 s", True)],
)
def test_yes_and_no_are_not_figures_without_a_name(value: str, limit: str, said: bool) -> None:
    alert = replace(page("fallback", 0.0), summary="users depend on it", value=value, limit=limit)
    message = firing_message(
        AlertGroup("shop", firing=(alert,)),
        (alert,),
        MessageType.FIRING,
        None,
        60.0,
        MessageContext("lax"),
    )
    assert (f"{value}, {limit}" in list(lines(message))) is said


@pytest.mark.parametrize(
    ("warned", "since"), [(0.0, "00:05:00"), (300.0, "00:05:00"), (330.0, "00:05:00")]
)
def test_an_outage_begins_with_what_is_critical_and_not_with_a_warning_before(
    warned: float, since: str
) -> None:
    """ "Backend and frontend, since" named the minute in which a security header was missing."""
    outage = page("shop", 300.0)
    warning = replace(page("headers", warned), severity=Severity.WARNING)
    group = AlertGroup("shop", firing=(outage, warning))
    message = firing_message(
        group, (warning, outage), MessageType.FIRING, None, 360.0, MessageContext("lax")
    )
    assert headline(message).endswith(f", since {since} UTC")
    assert "for 60 s, seen from lax" in list(lines(message))
    assert ("since 00:00:00 UTC" in list(lines(message))) is (warned == 0.0)


def test_an_incident_that_lasts_keeps_its_beginning_when_its_first_check_recovers() -> None:
    outage = page("shop", 300.0)
    before = NotificationLogEntry(Severity.CRITICAL, ("shop/failing",), 0.0, 0.0, 0.0)
    group = AlertGroup("shop", firing=(outage,))
    message = firing_message(
        group, (outage,), MessageType.REMINDER, before, 360.0, MessageContext("lax")
    )
    assert headline(message).endswith(", since 00:00:00 UTC")
