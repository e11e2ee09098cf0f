"""A simulated monitor: lives one after the other on the same folder, killed and started anew."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from alerts.config import AlertingConfig
from alerts.manager import AlertManager
from alerts.model import Severity
from alerts.notification.route import REPEAT_INTERVAL_SECONDS, Route
from alerts.outbox.outbox import Outbox
from alerts.outbox.stored_times import StoredClock
from probe.core.causes import HINTS, Cause
from probe.core.kind import Check
from probe.core.model import Failure, Result, Status
from tests.clocks import Clock
from tests.simulation.faults import Scenario
from tests.simulation.operator_actions import Operator, place_of
from tests.simulation.world import START, Disk, Killed, Process, Receiver
from tests.virtual_time import run_virtually

INTERVAL, RETRY = 120.0, 15.0
# The process takes so long to come back.
RESTART_SECONDS = 5.0


@dataclass
class Run:
    """What a scenario gave."""

    scenario: Scenario
    receivers: Mapping[str, Receiver]
    # When each process ended, the last one apart.
    ends: list[float] = field(default_factory=list)
    lives: int = 0
    errors: list[str] = field(default_factory=list)
    most_waiting: int = 0
    left: int = 0

    def wall(self, at: float, seen: float) -> float:
        """What the wall clock, as it is when ``seen``, calls a time of the run."""
        slept = sum(f.size for f in self.scenario.of("suspend") if f.start <= at)
        steps = sum(f.size for f in self.scenario.of("step") if f.start <= seen)
        return START + at + slept + steps


class Simulation:
    """Plays one scenario in a folder; ``between`` spoils that after each life."""

    def __init__(
        self,
        scenario: Scenario,
        folder: Path,
        between: Callable[[Path], None] = lambda folder: None,
    ) -> None:
        self._scenario, self._folder, self._between = scenario, folder, between
        self._clock = Clock()
        self._process = Process()
        self._receivers = {
            name: Receiver(name, scenario, self._clock, self._process, chat=name == "chat")
            for name in ("pager", "chat")
        }
        self._run = Run(scenario, self._receivers)
        self._operator = Operator(scenario, self._clock, INTERVAL)
        self._kills = scenario.of("kill", "stop")

    def play(self) -> Run:
        """Virtual hours in real seconds."""
        run_virtually(self._play(), self._clock)
        return self._run

    async def _play(self) -> None:
        while self._clock() < self._scenario.seconds:
            self._process.begin()
            self._run.lives += 1
            with suppress(Killed, asyncio.CancelledError):
                await self._live()
            self._run.ends.append(self._clock())
            self._between(self._folder)
            await asyncio.sleep(RESTART_SECONDS)

    def _uptime(self) -> float:
        slept = (f.size for f in self._scenario.of("suspend") if f.start <= self._clock())
        return self._clock() + sum(slept)

    def _wall(self) -> float:
        steps = (f.size for f in self._scenario.of("step") if f.start <= self._clock())
        return START + self._uptime() + sum(steps)

    def _boot(self, began: float) -> str:
        """Which boot of the machine it is: some kills are reboots."""
        reboots = sum(f.start <= began and int(f.size) % 2 for f in self._kills)
        return f"boot {reboots}"

    async def _live(self) -> None:
        began = self._clock()
        self._unseen = set(self._scenario.checks)
        steady = self._wall() - self._uptime()
        manager = AlertManager(
            self._config(),
            self._folder,
            journals=(self._folder,),
            now=lambda: steady + self._uptime(),
            wall=self._wall,
            clock=self._clock,
            stored=StoredClock(self._wall, self._uptime, self._boot(began)),
        )
        soon: dict[str, asyncio.Event] = {name: asyncio.Event() for name in self._scenario.checks}
        manager.run_soon = lambda name, _: soon[place_of(name)].set()
        await self._open(manager)
        manager.reload(self._operator.configured(self._config(), self._wall()))
        manager.suppress_own_network(not self._operator.has_network())
        self._operator.set_checks(manager)
        tasks = [asyncio.create_task(self._guard(job())) for job in manager.jobs.values()]
        tasks += [
            asyncio.create_task(self._guard(self._check(manager, place, event)))
            for place, event in soon.items()
        ]
        tasks.append(asyncio.create_task(self._guard(self._watch(manager))))
        work = self._operator.work(manager, self._config(), self._wall)
        tasks.append(asyncio.create_task(self._guard(work)))
        try:
            await self._until_killed()
        finally:
            self._process.killed.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _open(self, manager: AlertManager) -> None:
        """Open the manager on the scenario's disk."""
        real_open = Outbox.open
        process = self._process

        async def opened(folder: Path | None, **options: object) -> Outbox:
            options["thread"] = lambda name: Disk(name, self._scenario, self._clock, process)
            return await real_open(folder, **options)  # type: ignore[arg-type]

        with mock.patch.object(Outbox, "open", opened):
            await manager.open()

    async def _until_killed(self) -> None:
        left = self._scenario.seconds - self._clock()
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                while True:
                    due = next((f for f in self._kills if f.start > self._clock()), None)
                    wait = None if due is None else due.start - self._clock()
                    try:
                        async with asyncio.timeout(wait):
                            await self._process.killed.wait()
                        return
                    except TimeoutError:
                        if due is not None and due.kind == "kill":
                            self._process.jobs_left = int(due.size)
                        elif due is not None:
                            await self._stop_after(int(due.size))
                            return

    async def _stop_after(self, turns: int) -> None:
        """Killed at any await, once the loop has something to do."""
        self._process.busy.clear()
        await self._process.busy.wait()
        for _ in range(turns):
            await asyncio.sleep(0)

    async def _guard(self, job: "asyncio.Future[None] | object") -> None:
        try:
            await job  # type: ignore[misc]
        except (Killed, asyncio.CancelledError):
            self._process.killed.set()
        except BaseException as error:
            _, others = _split(error)
            if others is not None:
                self._run.errors.append(f"{type(others).__name__}: {others}")
            self._process.killed.set()

    async def _watch(self, manager: AlertManager) -> None:
        while True:
            waiting = manager.waiting
            self._run.most_waiting = max(self._run.most_waiting, waiting)
            self._run.left = waiting
            await asyncio.sleep(10.0)

    async def _check(self, manager: AlertManager, place: str, soon: asyncio.Event) -> None:
        await asyncio.sleep(1.0)
        while True:
            soon.clear()
            fails = not self._operator.has_network()
            fails |= self._scenario.active("outage", place, self._clock()) is not None
            manager.suppress_own_network(not self._operator.has_network())
            check = self._operator.running(place)
            if check is not None:
                manager.handle_result(check, self._result(check, fails), (), backed_up=False)
            self._count_run(manager, place)
            recovering = manager.is_recovering(check.name if check else place)
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY if fails or recovering else INTERVAL):
                    await soon.wait()
                    await asyncio.sleep(0.5)

    def _count_run(self, manager: AlertManager, place: str) -> None:
        """As the daemon does, say once that every check has run."""
        if self._unseen:
            self._unseen.discard(place)
            if not self._unseen:
                manager.first_round_done()

    def _result(self, check: Check, fails: bool) -> Result:
        failure = None
        if fails:
            cause = Cause.HTTP_STATUS
            failure = Failure("finish", cause, "answers 500", HINTS[cause])
        return Result(
            check=check.name,
            status=Status.FAILED if fails else Status.OK,
            started_at=datetime.fromtimestamp(self._wall(), UTC),
            duration=0.1,
            failure=failure,
        )

    def _config(self) -> AlertingConfig:
        both, paged = frozenset(Severity), frozenset({Severity.CRITICAL})
        routes = (
            Route("pager", paged, REPEAT_INTERVAL_SECONDS, deduplicates=True),
            Route("chat", both, REPEAT_INTERVAL_SECONDS),
        )
        return AlertingConfig("lax", dict(self._receivers), routes)


def _split(error: BaseException) -> tuple[BaseException | None, BaseException | None]:
    """What of an error is the kill, and what is not."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(Killed)
    return (error, None) if isinstance(error, Killed) else (None, error)
