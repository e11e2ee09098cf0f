"""What is wrong with the probe itself, once it lasts, is an alert as docs/alerting.md says."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from alerts.own_alerts import OwnProblem
from probe.core.resources import Shortages
from probe.daemon.self_monitoring.clock_watch import ClockWatch
from probe.daemon.self_monitoring.own_health import HOLD_SECONDS, POLL_SECONDS, OwnHealth
from probe.daemon.self_monitoring.starts import Starts
from probe.daemon.self_monitoring.supervision import Supervisor
from tests.clocks import Clock
from tests.virtual_time import run_virtually

FULL = "database or disk is full"


@dataclass
class Alerting:
    """What alerting was given last, and when each problem came and went."""

    clock: Clock
    problem: str = ""
    given: dict[str, OwnProblem] = field(default_factory=dict)
    turns: list[tuple[float, str]] = field(default_factory=list)

    def set_own(self, problems: Mapping[str, OwnProblem]) -> None:
        """As of the manager."""
        for rule in sorted({*problems} ^ {*self.given}):
            self.turns.append((self.clock(), f"{'+' if rule in problems else '-'}{rule}"))
        self.given = dict(problems)


def _watched(story: Callable[[float, Alerting], bool], seconds: float) -> Alerting:
    """``story`` says whether the configuration can be loaded, and sets the rest."""
    clock = Clock()
    alerts = Alerting(clock)
    own = OwnHealth(
        cast(Any, alerts),
        Supervisor(clock),
        Starts(None, clock),
        ClockWatch(clock, clock, clock),
        Shortages(),
        clock,
    )

    async def watch() -> None:
        task = asyncio.create_task(own.run(lambda: story(clock(), alerts)))
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run_virtually(watch(), clock)
    return alerts


def test_a_configuration_that_can_not_be_loaded_is_an_alert_until_it_can() -> None:
    found = _watched(lambda at, _: not 100.0 <= at < 400.0, 600.0)
    (fired, ended) = found.turns
    assert (fired[1], ended[1]) == ("+configuration", "-configuration")
    assert 0.0 <= fired[0] - 100.0 - HOLD_SECONDS["configuration"] <= POLL_SECONDS
    assert 0.0 <= ended[0] - 400.0 <= POLL_SECONDS


def test_a_disk_that_can_not_be_written_is_an_alert_that_says_why() -> None:
    def story(at: float, alerts: Alerting) -> bool:
        alerts.problem = FULL if at >= 50.0 else ""
        return True

    found = _watched(story, 300.0)
    assert [turn for _, turn in found.turns] == ["+storage"]
    assert FULL in found.given["storage"].summary


def test_what_is_over_within_a_minute_is_none() -> None:
    def story(at: float, alerts: Alerting) -> bool:
        alerts.problem = FULL if at % 120.0 < 55.0 else ""
        return at % 120.0 > 55.0

    assert _watched(story, 900.0).turns == []


def test_without_a_record_of_starts_there_is_no_loop(tmp_path: Path) -> None:
    assert _watched(lambda at, _: True, 60.0).given == {}
