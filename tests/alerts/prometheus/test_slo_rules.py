"""Error budgets: nothing without history, nothing of what was reported, what only adds up."""

from collections.abc import Callable
from pathlib import Path

import pytest

from probe.kinds.http import KIND as HTTP
from tests.alerts.prometheus.worlds import Seen, World, course, labelled, steady, verdicts

MINUTE = 60
BURN = {"alertname": "ErrorBudgetBurn"}
Make = Callable[[], World]
WORLDS: dict[str, Make] = {}
LONG: dict[str, Make] = {}


def world(make: Make) -> Make:
    """Register a world under its function's name."""
    WORLDS[make.__name__] = make
    return make


def long_world(make: Make) -> Make:
    """The same for one of several days."""
    LONG[make.__name__] = make
    return make


def outage(
    start: int, minutes: int, length: int, *regions: str, fires: bool = True, step: int = MINUTE
) -> World:
    """Each region fails for so many scrapes, by default one a minute. ``fires``: an alert fires of
    it, one scrape after it began."""
    made = World(length, step=step)
    rest = length - start - minutes
    for region in regions:
        success = course((1, start), (0, minutes), (1, rest))
        severity = course((0, start + 1), (2, minutes), (0, rest - 1)) if fires else ""
        made.checks.append(Seen(region=region, success=success, severity=severity))
    return made


@world
def a_fresh_prometheus_says_nothing_of_budgets() -> World:
    made = outage(5, 20, 60, "lax", "fra")
    made.always(range(5 * MINUTE, 59 * MINUTE, 5 * MINUTE), 0, **BURN)
    made.expect(10 * MINUTE, 1, alertname="BackendDown", severity="critical")
    return made


@world
def an_outage_of_five_minutes_is_one_page_and_nothing_after_it() -> World:
    """With enough history for both windows that page."""
    start = 7 * 60
    made = outage(start, 5, start + 400, "lax", "fra")
    made.expect((start + 3) * MINUTE, 1, severity="critical")
    made.always(range((start + 10) * MINUTE, (start + 400) * MINUTE, 5 * MINUTE), 0, check="toy")
    made.always(range(start * MINUTE, (start + 400) * MINUTE, 5 * MINUTE), 0, **BURN)
    return made


@world
def one_region_of_two_burns_no_budget() -> World:
    made = outage(70, 30, 110, "lax", fires=False)
    made.checks.append(Seen(region="fra"))
    made.always(range(70 * MINUTE, 110 * MINUTE, 5 * MINUTE), 0, **BURN)
    return made


def _flapping(every: int, length: int, page: str = "critical", objective: float = 0.999) -> World:
    """One scrape of so many fails in both regions, too short for an alert."""
    pattern = " ".join([course((1, every - 1), (0, 1))] * (length // every))
    checks = [
        Seen(region=region, success=pattern, page=page, objective=objective)
        for region in ("lax", "fra")
    ]
    return World(length, checks, step=MINUTE)


@world
def short_failures_that_add_up_page() -> World:
    """One minute of five: two hundred times what 99.9 % allow."""
    made = _flapping(5, 100)
    made.expect(59 * MINUTE, 0, **BURN)
    made.expect(75 * MINUTE, 1, **BURN, severity="critical", signal="probe_success", scope="global")
    return made


@world
def a_check_that_is_a_warning_pages_by_no_budget() -> World:
    made = _flapping(5, 100, page="warning")
    made.expect(90 * MINUTE, 0, **BURN)
    return made


@world
def at_the_rate_that_is_allowed_nothing_burns() -> World:
    """One minute of ten is ten times too fast, which is below the rate of the hour."""
    made = _flapping(10, 200, objective=0.99)
    made.always(range(100 * MINUTE, 200 * MINUTE, 10 * MINUTE), 0, **BURN)
    return made


@long_world
def a_slow_burn_is_a_ticket_after_a_day() -> World:
    """One minute of 25 is four times too fast."""
    made = _flapping(25, 26 * 60, objective=0.99)
    made.always((12 * 3600, 23 * 3600), 0, **BURN)
    made.expect(25 * 3600, 1, **BURN, severity="warning", signal="probe_success")
    made.expect(25 * 3600, 0, severity="critical")
    return made


@long_world
def nothing_comes_for_days_after_an_outage_that_was_reported() -> World:
    step, start, length = 2 * MINUTE, 73 * 30, 76 * 30
    made = outage(start, 5, length, "lax", "fra", step=step)
    made.always(range((start + 10) * step, length * step, 1200), 0, check="toy")
    return made


@long_world
def values_that_miss_their_objective_are_tickets_where_a_warning_is_set() -> World:
    """Both are beyond their objective all the time; one has a warning limit above that."""
    made = World(26 * 60, step=MINUTE)
    for check, urgency in (("plain", "info"), ("warned", "ticket")):
        seen = Seen(check=check)
        own = {"signal": "probe_x_seconds", "urgency": urgency, "kind": "toy"}
        name = labelled("probe_objective_missed", {**seen.labels, **own})
        made.checks.append(Seen(check=check, more={name: steady(1, 1560)}))
    made.expect(25 * 3600, 1, **BURN, check="warned", severity="warning")
    made.expect(25 * 3600, 1, **BURN, check="plain", severity="info")
    made.expect(25 * 3600, 0, severity="critical")
    return made


def test_every_budget_is_as_expected(tmp_path: Path) -> None:
    """In one run of promtool."""
    made = {name: make() for name, make in WORLDS.items()}
    found = verdicts(tmp_path, [HTTP], made, every=MINUTE)
    assert {name: text for name, text in found.items() if text} == {}


@pytest.mark.proof
@pytest.mark.parametrize("name", LONG)
def test_budgets_over_days(name: str, tmp_path: Path) -> None:
    made = LONG[name]()
    assert verdicts(tmp_path, [HTTP], {name: made}, every=made.step)[name] == ""
