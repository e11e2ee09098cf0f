"""What an operator does to a simulated monitor, and its network: silences, maintenance windows,
checks that are removed and come back or have another name, a network that is lost."""

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
from tests.fake_kind import ToyTable, toy_kind
from tests.simulation.faults import Fault, Scenario

LOOK_SECONDS = 3.0
RENAMED = "-renamed"


class OfPlace(ToyTable):
    """A toy whose target is not its name."""

    place: str = ""

    @property
    def target(self) -> str:
        return f"toy://{self.place}"


def check_of(place: str, name: str, interval: float) -> Check:
    """A check of something, under any name."""
    table = OfPlace(name=name, place=place, interval=interval, deadline=5.0)
    return Check(toy_kind(table=OfPlace), table)


def place_of(name: str) -> str:
    """What a check is of."""
    return name.removesuffix(RENAMED)


class Operator:
    """Does to each life what the scenario says for its time."""

    def __init__(self, scenario: Scenario, clock: Clock, interval: float) -> None:
        self._scenario, self._clock, self._interval = scenario, clock, interval
        self._silenced: set[float] = set()
        # What the process knows of, by what it is of.
        self._running: dict[str, Check] = {}

    def set_checks(self, manager: AlertManager) -> None:
        """The manager has the checks that are configured now."""
        now = self._clock()
        removed = {f.whom for f in self._scenario.of("reload") if f.covers(now)}
        renamed = {f.whom for f in self._scenario.of("rename") if f.covers(now)}
        self._running = {
            place: check_of(place, place + RENAMED * (place in renamed), self._interval)
            for place in self._scenario.checks
            if place not in removed
        }
        manager.set_checks(list(self._running.values()))

    def running(self, place: str) -> Check | None:
        """The check of something, if it is configured now."""
        return self._running.get(place)

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
                self.set_checks(manager)
            manager.suppress_own_network(not self.has_network())
            await asyncio.sleep(LOOK_SECONDS)

    def _state(self) -> list[Fault]:
        now = self._clock()
        return [
            fault for fault in self._scenario.of("window", "reload", "rename") if fault.covers(now)
        ]


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
