"""Runs the users of a load: by schedule or one iteration after the other, until it ends.

Whatever ends it (time, budget, an interruption), every user closes what it has opened.
"""

import asyncio
import random
from contextlib import suppress

from msgspec import Struct

from probe.core.context import Context
from probe.core.resources import raise_descriptor_limit
from probe.kinds import call, http, journey, signaling
from probe.load.arrivals import Arrivals, first_start
from probe.load.budget import BudgetSpent, LoadBudget, step_costs
from probe.load.measurement.own_share import OwnShareWatch
from probe.load.measurement.statistics import ITERATION, LoadStatistics
from probe.load.plan import DRAIN_SECONDS, LoadPlan, Spending
from probe.load.target import LoadTarget
from probe.load.users.iteration import iterate
from probe.load.users.step import LoadRun, StrangerMatched, TargetNotOwned

AFTER_FAILURE = (0.5, 1.5)
"""Seconds that a user waits after a failure, at random between: a target that is down is not
asked in a loop."""
CLEAN_UP_SECONDS = 5.0
THINK_SPREAD = 0.5
_STOPPED_BY_TIME = "time"


class LoadRequest(Struct, frozen=True):
    """A load: what is done, to what, and within which limit. ``owns_target``: public relays too."""

    plan: LoadPlan
    target: LoadTarget
    limit: Spending
    owns_target: bool = False


class Generator:
    """One process's part of a load. ``stop`` ends it early, with what was measured so far."""

    def __init__(self, request: LoadRequest, context: Context) -> None:
        plan = request.plan
        self.statistics = LoadStatistics(plan)
        self.active = 0
        self.refused = ""
        self._request, self._context = request, context
        self._random = random.Random()
        self._arrivals = Arrivals(plan) if plan.is_open else None
        self._closing, self._stopping = asyncio.Event(), asyncio.Event()
        self._watch = OwnShareWatch(self.statistics.own)
        self._run_of_all: LoadRun | None = None

    def stop(self, reason: str) -> None:
        """End it: nothing new begins, and what is under way is cancelled."""
        self._stop_starting(reason)
        self._stopping.set()

    def _stop_starting(self, reason: str) -> None:
        self.statistics.stopped_by = self.statistics.stopped_by or reason
        self._closing.set()

    async def run(self) -> LoadStatistics:
        """The whole load; returns what was measured, also after ``stop``."""
        raise_descriptor_limit()
        preload()
        request, plan = self._request, self._request.plan
        costs = step_costs(plan, minted=request.target.minted)
        run = LoadRun(
            plan=plan,
            target=request.target,
            costs=costs,
            budget=LoadBudget(request.limit),
            statistics=self.statistics,
            context=self._context,
            owns_target=request.owns_target,
            started=self._context.clock(),
        )
        self._run_of_all = run
        self._watch.start()
        users = [asyncio.create_task(self._user(run, number)) for number in range(plan.users)]
        try:
            await self._until_over(users)
        finally:
            await self._end(users)
        self._count_not_started(run)
        self.statistics.stopped_by = self.statistics.stopped_by or _STOPPED_BY_TIME
        return self.statistics

    def update(self) -> LoadStatistics:
        """The statistics as of now."""
        self._watch.update()
        if self._run_of_all is not None:
            self.statistics.elapsed = self._run_of_all.elapsed
            self.statistics.used = self._run_of_all.budget.used
        return self.statistics

    async def _until_over(self, users: "list[asyncio.Task[None]]") -> None:
        """Until all users are done, ``stop`` is called, or what is under way takes too long."""
        limit = self._request.plan.duration + DRAIN_SECONDS
        stopping = asyncio.create_task(self._stopping.wait())
        done = asyncio.create_task(asyncio.wait(users))
        try:
            await asyncio.wait({done, stopping}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, done):
                task.cancel()
            await asyncio.gather(stopping, done, return_exceptions=True)

    async def _end(self, users: "list[asyncio.Task[None]]") -> None:
        late = [task for task in users if task.cancel()]
        if late:
            await asyncio.wait(late, timeout=CLEAN_UP_SECONDS)
        await self._context.closing.drain(timeout=CLEAN_UP_SECONDS)
        self.update()
        self._watch.stop()

    async def _user(self, run: LoadRun, number: int) -> None:
        try:
            if self._arrivals is not None:
                await self._by_schedule(run, self._arrivals)
            else:
                await self._one_after_another(run, number)
        except BudgetSpent:
            self._stop_starting("budget")
        except TargetNotOwned as error:
            self.refused = str(error)
            self.stop("refused")
        except StrangerMatched:
            self.stop("stranger_matched")

    async def _by_schedule(self, run: LoadRun, arrivals: Arrivals) -> None:
        """Whoever is free takes the next arrival; where all are busy it begins late, for as long
        as a step may take also after the end."""
        while run.elapsed < run.plan.duration + run.plan.timeout and not self._closing.is_set():
            intended = arrivals.next_start()
            if intended is None:
                return
            if await self._sleep(intended - run.elapsed):
                return
            await self._iterate(run, max(0.0, run.elapsed - intended))

    async def _one_after_another(self, run: LoadRun, number: int) -> None:
        await self._sleep(first_start(run.plan, number) - run.elapsed)
        while run.elapsed < run.plan.duration and not self._closing.is_set():
            passed = await self._iterate(run)
            think = run.plan.think * self._random.uniform(1 - THINK_SPREAD, 1 + THINK_SPREAD)
            pause = max(think, 0.0 if passed else self._random.uniform(*AFTER_FAILURE))
            await self._sleep(min(pause, run.plan.duration - run.elapsed))

    async def _iterate(self, run: LoadRun, late: float = 0.0) -> bool:
        self.active += 1
        slot = run.statistics.timeline.at(run.elapsed)
        slot.users = max(slot.users, self.active)
        try:
            return await iterate(run, late)
        except asyncio.CancelledError:
            run.statistics.cut_off += 1
            raise
        finally:
            self.active -= 1

    async def _sleep(self, seconds: float) -> bool:
        """Whether nothing new begins any more, which ends the sleep."""
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._closing.wait()
        return self._closing.is_set()

    def _count_not_started(self, run: LoadRun) -> None:
        """Arrivals that found no free user until the end: slowness that would hide otherwise."""
        if self._arrivals is None or self.statistics.stopped_by:
            return
        response = run.statistics.step(ITERATION).response
        for intended in self._arrivals.remaining():
            self.statistics.not_started += 1
            response.record(max(0.0, run.plan.duration - intended))


def preload() -> None:
    """Import what the steps need, which would count as the target's time otherwise."""
    for kind in (http.KIND, signaling.KIND, call.KIND, journey.KIND):
        kind.load()
