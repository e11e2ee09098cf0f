"""Every limit that alerts, walked from good to critical and back, on a clock that
the test moves: the right news at the right time, and no news in an hour of ordinary jitter.
"""

import random
from typing import Any

import pytest
from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.kind import Check
from probe.core.model import Result, Sample
from probe.kinds import KINDS, http
from probe.kinds.http import HttpTable, signals
from tests.alerts.checks import plan_of_everything
from tests.alerts.simulation import Says, Simulation, result

DAY = 86400.0
HOUR = 3600.0


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


def pairs(town: Simulation, notifier: str) -> list[tuple[str, str]]:
    """What a receiver was sent: (occasion, severity)."""
    return [(each.occasion, each.severity) for each in town.to(notifier)]


def test_an_hour_of_ordinary_jitter_is_no_news() -> None:
    checks = plan_of_everything()
    assert {check.kind.name for check in checks} == {kind.name for kind in KINDS}
    town = Simulation(checks)
    town.live(HOUR, well)
    assert town.sent == []


def test_one_lost_run_in_an_hour_is_no_alert() -> None:
    town = Simulation([health()])
    town.live(300, well)
    town.live(310, failing("health"))
    town.live(HOUR, well)
    assert town.sent == []


def test_health_down_for_more_than_thirty_seconds_pages_at_thirty() -> None:
    town = Simulation([health()])
    town.live(300, well)
    town.live(900, failing("health"))
    town.live(1200, well)
    pages = [each for each in town.sent if each.notifier == "pager"]
    assert [(each.at, each.occasion) for each in pages] == [(330.0, "firing"), (920.0, "resolved")]
    assert pairs(town, "chat") == pairs(town, "pager")


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
    town = Simulation([health()])
    walk = (good, objective, warning, critical, warning, objective, good)
    for number, value in enumerate(walk):
        town.live((number + 1) * 900, with_value(signal, value))
    assert pairs(town, "chat") == [
        ("firing", "warning"),
        ("changed", "critical"),
        ("changed", "warning"),
        ("resolved", "warning"),
    ]
    assert pairs(town, "pager") == [("firing", "critical"), ("resolved", "critical")]


def test_turn_is_a_warning_while_a_provider_works_and_a_page_when_none_does() -> None:
    checks = [check for check in plan_of_everything() if check.kind.name == "turn"]
    configured = [check for check in checks if check.name != "turn-issued"]
    primary = [check.name for check in configured if "primary" in check.name]
    town = Simulation(configured)
    town.live(900, well)
    town.live(2400, failing(*primary))
    assert ("firing", "warning") in pairs(town, "chat")
    assert pairs(town, "pager") == []
    town.live(3600, failing(*(check.name for check in configured)))
    pages = [each for each in town.sent if each.notifier == "pager"]
    assert [each.split()[1] for each in town.events] == ["trigger"]
    assert "No TURN relay works" in pages[0].message.title
    town.live(5400, well)
    assert pairs(town, "chat")[-1][0] == "resolved"
    assert town.pipeline.alerts.firing == []


def test_a_backend_that_is_down_is_one_incident() -> None:
    checks = [check for check in plan_of_everything() if check.kind.name in ("http", "signaling")]
    town = Simulation(checks)
    town.live(900, well)
    town.live(2700, failing(*(check.name for check in checks)))
    town.live(4500, well)
    pages = pairs(town, "pager")
    assert pages.count(("firing", "critical")) == 1
    assert pages.count(("resolved", "critical")) == 1
