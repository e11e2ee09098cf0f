"""One iteration of a synthetic user, from its first step until all that it opened is closed."""

from contextlib import AsyncExitStack

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.core.resources import lacks_descriptors, reserve
from probe.load.measurement.statistics import ITERATION
from probe.load.users.application_steps import take_steps
from probe.load.users.step import Iteration, LoadRun, StepFailed


async def iterate(run: LoadRun, late: float = 0.0) -> bool:
    """One iteration, with everything closed at its end; whether all steps passed.

    Raises BudgetSpent, TargetNotOwned, StrangerMatched.
    """
    run.statistics.iterations += 1
    began = run.context.clock()
    if lacks_descriptors(reserve()):
        error = NotMeasured(Cause.OWN_RESOURCES, "this machine is short of file descriptors")
        run.statistics.aborted(ITERATION, run.elapsed, error)
        return False
    iteration = Iteration(run, late)
    try:
        async with AsyncExitStack() as stack:
            await take_steps(iteration, stack)
    except StepFailed:
        return False
    run.statistics.completed += 1
    found = run.statistics.step(ITERATION)
    seconds = run.context.clock() - began - iteration.waited
    found.passed += 1
    found.latency.record(seconds)
    found.response.record(seconds + late)
    run.statistics.timeline.record(run.elapsed, ITERATION, seconds)
    return True
