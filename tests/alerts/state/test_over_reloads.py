"""Whole incidents while the configuration is changed: names, receivers, times."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
from pydantic import SecretStr

from alerts.config import AlertingConfig
from alerts.model import Delivery
from alerts.notification.route import Route
from alerts.notifiers.webhook import Webhook
from probe.core.causes import Cause
from probe.core.kind import Check
from probe.core.model import FailurePolicy, Result, Verdict
from tests.alerts.simulation import CHAT, PAGER, START, Simulation, result
from tests.fake_kind import ToyTable, toy_kind

ENDS = 1500.0
Change = Callable[[Simulation, Sequence[Check]], None]


class SamePlace(ToyTable):
    """A toy whose target is not its name."""

    place: str = "x"

    @property
    def target(self) -> str:
        return f"toy://{self.place}"

    @property
    def labels(self) -> dict[str, str]:
        return {"group": self.team} if self.team else {}


def a_check(name: str = "a", *, hold: float = 30.0, place: str = "x", team: str = "") -> Check:
    kind = toy_kind(failing=FailurePolicy(Verdict.CRITICAL, hold=hold), table=SamePlace)
    table = SamePlace(name=name, interval=60.0, deadline=5.0, place=place, team=team or None)
    return Check(kind, table)


def until_the_end(check: Check, at: float) -> Result:
    """Everything fails until then."""
    return result(check, at, cause=Cause.HTTP_STATUS if at < ENDS else None)


def starts_with(probe: Simulation, checks: Sequence[Check]) -> None:
    probe.start(checks)


def reloads(probe: Simulation, checks: Sequence[Check]) -> None:
    probe.reload(checks)


def changed_to(probe: Simulation, *routes: Route) -> None:
    """The configuration has these receivers from a reload on."""
    notifiers = {each.name: probe.notifiers[each.name] for each in routes}
    new = AlertingConfig("lax", notifiers, routes)
    probe.pipeline.config = probe.pipeline.config.reloaded(new)


def with_receivers(*checks: Check) -> Simulation:
    hook = Webhook(SecretStr("http://127.0.0.1:1"), SecretStr(""))
    return Simulation(list(checks), notifiers={"chat": hook, "pager": hook})


def words(probe: Simulation, notifier: str) -> list[str]:
    return [each.occasion for each in probe.to(notifier)]


@pytest.mark.parametrize("at", [20.0, 135.0, 1200.0])
@pytest.mark.parametrize("change", [reloads, starts_with])
@pytest.mark.parametrize("receiver", ["chat", "pager"])
def test_a_check_that_is_renamed_while_it_fails_is_one_incident(
    receiver: str, change: Change, at: float
) -> None:
    probe = Simulation([a_check("a"), a_check("b", place="y")])
    probe.live(at, until_the_end)
    change(probe, [a_check("z"), a_check("b", place="y")])
    probe.live(ENDS + 600, until_the_end)
    first, *between, last = probe.to(receiver)
    assert (first.occasion, last.occasion) == ("firing", "resolved")
    # The other check joins it.
    assert [each.occasion for each in between] in ([], ["changed"])
    assert not any("z" in text for each in between for text in each.message.news)
    assert first.message.key == last.message.key
    assert {each.identity.check for each in last.message.resolved} == {"z", "b"}
    assert not any(each.closed for each in last.message.resolved)


@pytest.mark.parametrize(
    "after",
    [
        [a_check("z", place="y")],
        [a_check("z", team="web")],
        [a_check("z"), a_check("y")],
        [],
    ],
)
def test_a_check_that_is_replaced_by_others_is_closed(after: Sequence[Check]) -> None:
    probe = Simulation([a_check("a")])
    probe.live(400.0, until_the_end)
    probe.reload(after)
    probe.live(402.0, until_the_end)
    (closed,) = probe.to("pager")[1].message.resolved
    assert (closed.identity.check, closed.closed) == ("a", "no longer monitored")


def test_a_check_that_was_there_before_takes_over_no_other_ones_alert() -> None:
    probe = Simulation([a_check("a"), a_check("b")])
    probe.live(400.0, lambda check, at: until_the_end(check, at if check.name == "a" else ENDS))
    probe.reload([a_check("b")])
    probe.live(402.0, lambda check, at: until_the_end(check, ENDS))
    (closed,) = probe.to("pager")[1].message.resolved
    assert (closed.identity.check, closed.closed) == ("a", "no longer monitored")


@pytest.mark.parametrize(("gone", "left"), [("chat", PAGER), ("pager", CHAT)])
def test_a_receiver_that_a_reload_removes_is_sent_the_end(gone: str, left: Route) -> None:
    probe = with_receivers(a_check())
    probe.live(100.0, until_the_end)
    changed_to(probe, left)
    probe.live(ENDS + 600, until_the_end)
    assert words(probe, gone) == ["firing", "resolved"]


def test_a_receiver_that_a_start_lacks_is_sent_the_end_when_it_is_back() -> None:
    probe = Simulation([a_check()])
    probe.live(100.0, until_the_end)
    probe.routes = (PAGER,)
    probe.start()
    probe.live(ENDS + 600, until_the_end)
    assert words(probe, "chat") == ["firing"]
    probe.routes = (CHAT, PAGER)
    probe.start()
    probe.live(ENDS + 900, until_the_end)
    assert words(probe, "chat") == ["firing", "resolved"]


def test_an_incident_is_over_though_a_receiver_of_before_is_not_configured() -> None:
    probe = Simulation([a_check()])
    probe.live(100.0, until_the_end)
    probe.routes = (PAGER,)
    probe.start()
    probe.live(9000.0, until_the_end)
    probe.live(9300.0, lambda check, at: until_the_end(check, at - 8000.0))
    probe.live(9900.0, lambda check, at: until_the_end(check, ENDS))
    last = probe.to("pager")[-1].message
    assert last.since - START > 8900.0


@pytest.mark.parametrize("restarts", [1, 2])
def test_an_end_that_was_refused_waits_for_a_receiver_that_is_not_configured(
    restarts: int,
) -> None:
    probe = Simulation([a_check()])
    probe.refuses = lambda sent: sent.notifier == "chat" and sent.occasion == "resolved"
    probe.live(ENDS + 100, until_the_end)
    assert words(probe, "chat")[0] == "firing"
    probe.routes, probe.refuses = (PAGER,), lambda sent: False
    for _ in range(restarts):
        probe.start()
        probe.live(probe.now + 400, until_the_end)
    probe.routes, probe.sent = (CHAT, PAGER), []
    probe.start()
    probe.live(probe.now + 10, until_the_end)
    assert words(probe, "chat") == ["resolved"]


def test_an_end_that_waits_for_a_receiver_that_is_gone_is_kept() -> None:
    probe = Simulation([a_check()])
    probe.live(ENDS + 600, until_the_end)
    end = probe.to("chat")[-1].message
    probe.routes = (PAGER,)
    probe.start()
    probe.pipeline.refused(Delivery("chat", end), START + probe.now)
    probe.live(probe.now + 400, until_the_end)
    probe.routes, probe.sent = (CHAT, PAGER), []
    probe.start()
    probe.live(probe.now + 10, until_the_end)
    assert words(probe, "chat") == ["resolved"]


@pytest.mark.parametrize(("before", "after", "fires"), [(30.0, 600.0, 600), (600.0, 30.0, 30)])
def test_a_reload_that_changes_for_counts_for_what_fails_already(
    before: float, after: float, fires: int
) -> None:
    probe = Simulation([a_check(hold=before)])
    probe.live(20.0, until_the_end)
    probe.reload([a_check(hold=after)])
    probe.live(700.0, until_the_end)
    (first,) = probe.to("pager")
    assert fires <= first.at <= fires + 30


def outages(choose: Random) -> list[tuple[str, float, float]]:
    """Places that fail, one after the other, from and until."""
    found, at = [], 600.0
    while at < 9000.0:
        lasts = choose.choice([300.0, 700.0, 1500.0, 3000.0])
        found.append((choose.choice("xy"), at, at + lasts))
        at += lasts + choose.choice([1500.0, 2500.0])
    return found


class Operator:
    """Renames checks, changes their times and the receivers, by reloads and starts."""

    def __init__(self, choose: Random) -> None:
        self._choose, self._renamed = choose, 0
        self._names, self._hold = {"x": "x0", "y": "y0"}, {"x": 30.0, "y": 30.0}
        self.probe = with_receivers(*self.checks)

    @property
    def checks(self) -> list[Check]:
        """As they are now."""
        return [
            a_check(name, hold=self._hold[place], place=place)
            for place, name in self._names.items()
        ]

    def act(self) -> None:
        """Do one thing, or nothing."""
        place = self._choose.choice("xy")
        change = self._choose.choice([reloads, starts_with])
        match self._choose.choice(["rename", "time", "start", "receivers", *4 * ["nothing"]]):
            case "rename":
                self._renamed += 1
                self._names[place] = f"{place}{self._renamed}"
                change(self.probe, self.checks)
            case "time":
                self._hold[place] = self._choose.choice([30.0, 60.0, 90.0])
                change(self.probe, self.checks)
            case "start":
                self.probe.start()
            case "receivers":
                routes = self._choose.choice([(CHAT,), (PAGER,), (CHAT, PAGER)])
                changed_to(self.probe, *routes)


def days(seed: int) -> tuple[list[tuple[str, float, float]], Simulation]:
    """Outages, and a probe that has lived through them."""
    choose = Random(seed)
    found = outages(choose)
    operator, ends = Operator(choose), found[-1][2]

    def says(check: Check, at: float) -> Result:
        place = str(check.table.target)[-1]
        fails = any(where == place and start <= at < end for where, start, end in found)
        return result(check, at, cause=Cause.HTTP_STATUS if fails else None)

    while operator.probe.now < ends:
        operator.probe.live(operator.probe.now + choose.choice([7, 20, 45, 130, 400]), says)
        operator.act()
    operator.probe.live(ends + 2000.0, says)
    return found, operator.probe


@pytest.mark.parametrize(
    "seeds", [range(3), pytest.param(range(3, 200), marks=pytest.mark.nightly)], ids=str
)
def test_whatever_is_renamed_and_reloaded_each_outage_is_one_page_and_one_end(
    seeds: range,
) -> None:
    for seed in seeds:
        found, probe = days(seed)
        for receiver in ("chat", "pager"):
            opened = [each.at for each in probe.to(receiver) if each.occasion == "firing"]
            ended = [each.at for each in probe.to(receiver) if each.occasion == "resolved"]
            assert len(opened) == len(ended) == len(found), (seed, receiver)
            for (_, start, end), first, last in zip(found, opened, ended, strict=True):
                assert start < first <= end < last, (seed, receiver)
