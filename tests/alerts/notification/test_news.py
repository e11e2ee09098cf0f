"""What an update or an end says of alerts that a receiver is not sent any more."""

from msgspec.structs import replace

from alerts.model import Severity
from alerts.notification.grouping import GroupStore
from alerts.notification.message import AlertGroup as Incident
from alerts.notification.route import GROUP_INTERVAL_SECONDS, Routes, RouteTable
from tests.alerts.notification.test_grouping import (
    CHAT,
    PAGER,
    SETTING,
    alert,
    group_store,
    sent,
)


def _news(here: GroupStore, incident: Incident, now: float) -> dict[str, tuple[str, ...]]:
    """What has changed, as each receiver is sent it now."""
    return {each.notifier: each.message.news for each in here.settle([incident], now, SETTING)}


def test_an_update_says_of_what_is_silenced_that_it_is_and_not_that_it_recovered() -> None:
    here, later = group_store(), GROUP_INTERVAL_SECONDS
    sent(here, 0, [alert("health"), alert("ready"), alert("login")])
    over = replace(alert("login"), ended=50.0)
    found = Incident("backend", (alert("health"), alert("new")), (alert("ready"),), (over,))
    news = (
        "now also new: it is down",
        "recovered: login",
        "suppressed by a silence or maintenance window: ready",
    )
    assert _news(here, found, later) == {"chat": news, "pager": news}
    # It is news again when the silence ends.
    both = Incident("backend", (alert("health"), alert("new"), alert("ready")), (), (over,))
    assert _news(here, both, 2 * later)["pager"] == ("now also ready: it is down",)


def test_an_update_says_what_has_eased_or_goes_elsewhere_and_not_that_it_recovered() -> None:
    here, later = group_store(), GROUP_INTERVAL_SECONDS
    sent(here, 0, [alert("health"), alert("ready"), alert("login")])
    here.routes = Routes([CHAT, PAGER], [RouteTable(matches=("login",), notify=())])
    fires = (alert("health"), alert("ready", Severity.WARNING), alert("login"), alert("new"))
    found = _news(here, Incident("backend", fires), later)
    assert found["pager"][1:] == ("no longer routed here: login", "no longer critical: ready")
    assert found["chat"][1:] == ("no longer routed here: login",)


def test_an_end_says_of_what_has_eased_and_is_silenced_that_it_has_eased() -> None:
    here = group_store()
    sent(here, 0, [alert("health")])
    eased = Incident("backend", (), (alert("health", Severity.WARNING),))
    titles = [each.message.title for each in here.settle([eased], 10, SETTING)]
    assert titles == ["health: no longer critical"]


def test_an_end_says_that_it_recovered_whatever_a_receiver_was_not_sent() -> None:
    here = group_store()
    sent(here, 0, [alert("health")])
    over = replace(alert("health"), ended=9.0)
    left = Incident("backend", (alert("slow", Severity.WARNING),), (alert("new"),), (over,))
    (pager,) = (each for each in here.settle([left], 10, SETTING) if each.notifier == "pager")
    assert pager.message.title == "health recovered"
