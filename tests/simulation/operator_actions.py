"""What an operator does to a simulated monitor, and its network: silences, maintenance windows,
checks that are removed and come back, a network that is lost."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from alerts.config import AlertingConfig
from alerts.manager import AlertManager
from alerts.model import Silence
from alerts.silence.window_table import WindowTable
from probe.core.kind import Check
from tests.clocks import Clock
from tests.simulation.faults import Fault, Scenario

LOOK_SECONDS = 3.0


class Operator:
    """Does to each life what the scenario says for its time."""

    def __init__(self, scenario: Scenario, clock: Clock, checks: list[Check]) -> None:
        self._scenario, self._clock, self._all = scenario, clock, checks
        self._silenced: set[float] = set()

    def checks(self) -> list[Check]:
        """The checks that are configured now."""
        now = self._clock()
        removed = {f.whom for f in self._scenario.of("reload") if f.covers(now)}
        return [check for check in self._all if check.name not in removed]

    def is_configured(self, name: str) -> bool:
        """Whether a check is configured now."""
        return any(check.name == name for check in self.checks())

    def has_network(self) -> bool:
        """Whether the monitor reaches anything."""
        return not any(f.covers(self._clock()) for f in self._scenario.of("network"))

    def configured(self, config: AlertingConfig, wall: float) -> AlertingConfig:
        """The configuration with the windows of now, which are open by the wall clock."""
        now = self._clock()
        tables = tuple(
            _window(number, fault, wall)
            for number, fault in enumerate(self._scenario.of("window"))
            if fault.covers(now)
        )
        return replace(config, windows=tables)

    async def work(
        self, manager: AlertManager, config: AlertingConfig, wall: Callable[[], float]
    ) -> None:
        """Until cancelled: make and end silences, reload, lose the network."""
        ended: set[float] = set()
        known = self._state()
        while True:
            now = self._clock()
            for fault in self._scenario.of("silence"):
                if fault.covers(now) and fault.start not in self._silenced:
                    self._silenced.add(fault.start)
                    await manager.add_silence(_silence(fault, wall()))
                elif now >= fault.end and fault.start not in ended:
                    ended.add(fault.start)
                    await manager.expire_silence(_name(fault))
            if (state := self._state()) != known:
                known = state
                manager.reload(self.configured(config, wall()))
                manager.set_checks(self.checks())
            manager.suppress_own_network(not self.has_network())
            await asyncio.sleep(LOOK_SECONDS)

    def _state(self) -> list[Fault]:
        now = self._clock()
        return [fault for fault in self._scenario.of("window", "reload") if fault.covers(now)]


def _name(fault: Fault) -> str:
    return f"silence-{fault.start:.0f}"


def _silence(fault: Fault, wall: float) -> Silence:
    seconds = fault.end - fault.start
    return Silence(_name(fault), (fault.whom,), "me", "work", wall, wall + seconds)


def _window(number: int, fault: Fault, wall: float) -> WindowTable:
    seconds = fault.end - fault.start
    return WindowTable.model_validate(
        {
            "name": f"window-{number}",
            "reason": "work",
            "matches": [fault.whom],
            "start": datetime.fromtimestamp(wall - 1.0, UTC),
            "end": datetime.fromtimestamp(wall + seconds, UTC),
        }
    )
