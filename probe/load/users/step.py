"""A step of a synthetic user: timed, judged, within the budget."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from probe.core.causes import STALL_PRONE, Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.core.outcome.stall import StallWatch
from probe.core.resources import shortage_of
from probe.load.budget import BudgetSpent, LoadBudget
from probe.load.measurement.own_share import Metered
from probe.load.measurement.statistics import LoadStatistics
from probe.load.plan import LoadPlan, Spending
from probe.load.target import LoadTarget

logger = logging.getLogger(__name__)

Costs = dict[str, tuple[Spending, Spending]]


class LoadRun(Struct, frozen=True):
    """What all users of a load share: ``started`` is its start on the context's clock."""

    plan: LoadPlan
    target: LoadTarget
    costs: Costs
    budget: LoadBudget
    statistics: LoadStatistics
    context: Context
    owns_target: bool
    started: float

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.context.clock() - self.started


class StepFailed(Exception):
    """A step was counted as failed or not measured: the iteration ends here."""


class TargetNotOwned(Exception):
    """A step would load a public server, which needs a confirmation."""


class StrangerMatched(Exception):
    """The application matched a synthetic user with a real one: the load ends."""


class Iteration:
    """One iteration of one user; ``late`` is how long after its intended start it begins.

    ``spent`` is what the step under way has used, and ``measured`` the seconds that it took until
    the target's answer came, where it knows; ``waited`` the seconds that steps waited for budget.
    """

    def __init__(self, run: LoadRun, late: float = 0.0) -> None:
        self.run = run
        self.spent: Spending | None = None
        self.measured: float | None = None
        self.waited = 0.0
        self._late = late

    async def step(
        self, name: str, work: Callable[[], Coroutine[Any, Any, None]], *, limit: float
    ) -> None:
        """Time a step under ``limit`` seconds. Without ``spent`` it used what is usual if it
        passed, else the most. Raises StepFailed, BudgetSpent."""
        run = self.run
        most, usual = run.costs[name]
        await self._reserve(most)
        used, self.spent, self.measured = most, None, None
        late, self._late = self._late, 0.0
        began = run.context.clock()
        try:
            await self._timed(name, work, limit)
            seconds = run.context.clock() - began if self.measured is None else self.measured
            run.statistics.passed(name, run.elapsed, seconds, late)
            used = usual
        except CheckAborted as error:
            error.phase = None if error.phase == name else error.phase
            run.statistics.aborted(name, run.elapsed, error)
            if error.cause is Cause.STRANGER_MATCHED:
                raise StrangerMatched from None
            raise StepFailed from None
        finally:
            await run.budget.settle(most, self.spent or used)

    async def _reserve(self, most: Spending) -> None:
        """Waiting for what others have reserved is no latency of the target's."""
        run, started = self.run, self.run.context.clock()
        if await run.budget.reserve(most):
            run.statistics.budget_waits += 1
            self.waited += run.context.clock() - started

    async def _timed(
        self, name: str, work: Callable[[], Coroutine[Any, Any, None]], limit: float
    ) -> None:
        metered = Metered(work())
        watch = self.run.context.get_or_create("stall-watch", StallWatch).begin()
        began = self.run.context.clock()
        failure: CheckAborted | None = None
        try:
            async with asyncio.timeout(limit):
                await metered
            return
        except TimeoutError:
            failure = CheckFailed(Cause.DEADLINE, f"no answer within {limit:g} s")
        except CheckAborted as error:
            failure = error
        except (BudgetSpent, TargetNotOwned, asyncio.CancelledError):
            raise
        except Exception as error:
            failure = _unexpected(name, error)
        finally:
            disturbance = watch.end()
            found = self.run.statistics.step(name)
            found.own_cpu += metered.cpu
            found.wake_ups += metered.wake_ups
        stalled = disturbance.stalled(self.run.context.clock() - began)
        if isinstance(failure, CheckFailed) and failure.cause in STALL_PRONE and stalled:
            raise NotMeasured(Cause.OWN_STALL, f"{failure.message}; the generator was stalled")
        raise failure


def _unexpected(name: str, error: Exception) -> NotMeasured:
    if kind := shortage_of(error):
        return NotMeasured(Cause.OWN_RESOURCES, f"this machine is short of {kind}")
    logger.error("step %s: unexpected %s", name, type(error).__name__)
    return NotMeasured(Cause.INTERNAL_ERROR, f"unexpected {type(error).__name__}")
