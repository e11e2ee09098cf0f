"""Every limit that anybody is told of, walked from well to critical and back, on a clock that
the test moves: the right news at the right time, and no news in an hour of ordinary jitter.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.evaluation.check_state import CheckStates
from alerts.model import Severity
from alerts.notification.alert_groups import incidents_of
from alerts.notification.grouping import REMIND_SECONDS, GroupStore, MessageContext
from alerts.notification.route import Route, Routes
from alerts.state.alert_store import AlertStore
from probe.core.causes import HINTS, Cause
from probe.core.kind import Check
from probe.core.model import Failure, Result, Sample, Status
from probe.core.signals import SUCCESS
from probe.kinds import KINDS, http
from probe.kinds.http import HttpTable, signals
from tests.alerts.checks import plan_of_everything

START = 1_800_000_000.0
DAY = 86400.0
HOUR = 3600.0
ROUTES = Routes(
    [
        Route("chat", frozenset(Severity), REMIND_SECONDS),
        Route("pager", frozenset({Severity.CRITICAL}), REMIND_SECONDS),
    ]
)
SETTING = MessageContext("lax")

Says = Callable[[Check, float], Result]


def result(check: Check, at: float, *samples: Sample, cause: Cause | None = None) -> Result:
    """A run's result that began ``at`` seconds after the start."""
    failure = Failure("connect", cause, "it is broken", HINTS[cause]) if cause else None
    status = Status.FAILED if cause else Status.OK
    found = (Sample(SUCCESS, float(cause is None)), *samples)
    moment = datetime.fromtimestamp(START + at, UTC)
    return Result(check.name, status, moment, 0.1, {}, found, failure)


@dataclass(frozen=True)
class News:
    """What was told, when (seconds after the start) and to whom."""

    at: float
    notifier: str
    occasion: str
    severity: str


class Town:
    """Checks that run at their intervals, and everybody who is told."""

    def __init__(self, checks: list[Check]) -> None:
        self.checks = checks
        self.board, self.keeper, self.desk = CheckStates(), AlertStore("lax"), GroupStore(ROUTES)
        self.board.set_checks(checks)
        self.keeper.set_checks(checks, START)
        self.over: list[Any] = []
        self.news: list[News] = []
        self._next = {check.name: 0.0 for check in checks}

    def live(self, start: float, end: float, says: Says) -> None:
        """Let time pass second by second; each check runs when it is due."""
        now = start
        while now < end:
            for check in self.checks:
                if self._next[check.name] <= now:
                    self._run(check, says(check, now), now)
            self._note(self.keeper.pass_time(START + now), now)
            now += 1.0

    def _run(self, check: Check, found: Result, now: float) -> None:
        failed = found.status is Status.FAILED
        self._next[check.name] = now + (check.retry if failed else check.interval)
        changes = self.board.update(found, now, START + now)
        for name in {check.name, *(change.check.name for change in changes)}:
            stand = self.board.state(name)
            each = next(each for each in self.checks if each.name == name)
            if stand is not None:
                backed_up = self.board.is_backed_up(name)
                events = self.keeper.update(
                    each, stand.result, stand.evaluations, START + now, backed_up=backed_up
                )
                self._note(events, now)

    def _note(self, events: list[Any], now: float) -> None:
        self.over += [event.alert for event in events if event.alert.ended is not None]
        subjects = {check.name: check.table.alert_group for check in self.checks}
        incidents = incidents_of(
            self.keeper.firing,
            self.over,
            lambda alert: subjects[alert.identity.check],
            lambda alert: False,
        )
        for delivery in self.desk.settle(incidents, START + now, SETTING):
            told = delivery.message
            self.news.append(News(now, delivery.notifier, told.occasion.value, told.severity.value))


def well(check: Check, at: float) -> Result:
    """A good run, with figures that jitter as they do on a good day."""
    jitter = random.Random(f"{check.name} {at}")
    samples = [
        Sample(signals.RESPONSE, jitter.uniform(0.02, 0.45)),
        Sample(signals.REMAINING, 60 * DAY),
    ]
    return result(check, at, *(samples if check.kind.name == "http" else ()))


def with_value(signal: Any, value: float) -> Says:
    """Runs that are well but for one value."""

    def says(check: Check, at: float) -> Result:
        found = well(check, at)
        kept = [sample for sample in found.samples if sample.signal is not signal]
        return replace(found, samples=(*kept, Sample(signal, value)))

    return says


def failing(*names: str) -> Says:
    """Runs in which these checks fail, and all others are well."""

    def says(check: Check, at: float) -> Result:
        if check.name in names:
            return result(check, at, cause=Cause.CONNECT_REFUSED)
        return well(check, at)

    return says


def health() -> Check:
    """/health as the environment gives it."""
    table = HttpTable(name="health", url="https://paircam.live/health", interval=10)
    return Check(http.KIND, table)


def told(news: list[News], notifier: str) -> list[tuple[str, str]]:
    return [(each.occasion, each.severity) for each in news if each.notifier == notifier]


def test_an_hour_of_ordinary_jitter_is_no_news() -> None:
    checks = plan_of_everything()
    assert {check.kind.name for check in checks} == {kind.name for kind in KINDS}
    town = Town(checks)
    town.live(0, HOUR, well)
    assert town.news == []


def test_one_lost_look_in_an_hour_is_no_news() -> None:
    town = Town([health()])
    town.live(0, 300, well)
    town.live(300, 310, failing("health"))
    town.live(310, HOUR, well)
    assert town.news == []


def test_health_down_for_more_than_thirty_seconds_pages_at_thirty() -> None:
    town = Town([health()])
    town.live(0, 300, well)
    town.live(300, 900, failing("health"))
    town.live(900, 1200, well)
    pages = [each for each in town.news if each.notifier == "pager"]
    assert [(each.at, each.occasion) for each in pages] == [(330.0, "firing"), (920.0, "resolved")]
    assert told(town.news, "chat") == told(town.news, "pager")


@pytest.mark.parametrize(
    ("signal", "good", "objective", "warning", "critical"),
    [
        (signals.RESPONSE, 0.4, 0.8, 1.5, 2.5),
        (signals.REMAINING, 60 * DAY, 20 * DAY, 10 * DAY, 2 * DAY),
    ],
)
def test_a_value_walks_up_and_down_again(
    signal: Any, good: float, objective: float, warning: float, critical: float
) -> None:
    town = Town([health()])
    walk = (good, objective, warning, critical, warning, objective, good)
    for number, value in enumerate(walk):
        town.live(number * 900, (number + 1) * 900, with_value(signal, value))
    assert told(town.news, "chat") == [
        ("firing", "warning"),
        ("changed", "critical"),
        ("changed", "warning"),
        ("resolved", "warning"),
    ]
    assert told(town.news, "pager") == [("firing", "critical"), ("resolved", "critical")]


def test_turn_is_a_warning_while_a_provider_works_and_a_page_when_none_does() -> None:
    checks = [check for check in plan_of_everything() if check.kind.name == "turn"]
    configured = [check for check in checks if check.name != "turn-issued"]
    primary = [check.name for check in configured if "primary" in check.name]
    town = Town(configured)
    town.live(0, 900, well)
    town.live(900, 2400, failing(*primary))
    assert ("firing", "warning") in told(town.news, "chat")
    assert told(town.news, "pager") == []
    town.live(2400, 3600, failing(*(check.name for check in configured)))
    pages = [each for each in town.news if each.notifier == "pager"]
    # One for each provider, and what joins them is gathered.
    assert [each.occasion for each in pages].count("firing") == 2
    assert {each.occasion for each in pages} <= {"firing", "changed"}
    town.live(3600, 5400, well)
    assert told(town.news, "chat")[-1][0] == "resolved"
    assert town.keeper.firing == []


def test_a_backend_that_is_down_is_one_incident() -> None:
    checks = [check for check in plan_of_everything() if check.kind.name in ("http", "signaling")]
    town = Town(checks)
    town.live(0, 900, well)
    town.live(900, 2700, failing(*(check.name for check in checks)))
    town.live(2700, 4500, well)
    pages = told(town.news, "pager")
    assert pages.count(("firing", "critical")) == 1
    assert pages.count(("resolved", "critical")) == 1
