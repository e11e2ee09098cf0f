"""Texts that all reports of a load share. Everything here is clean."""

from collections.abc import Iterator

from probe.core.model import LimitSide, Unit, Verdict
from probe.load.plan import LoadPlan, Spending
from probe.load.result import ErrorRow, LoadResult
from probe.load.verdict import ObjectiveResult
from probe.report.text.sanitize import clean
from probe.report.text.units import ABSENT, show

HEADLINES = {
    Verdict.OK: "every objective is met",
    Verdict.OBJECTIVE_MISSED: "an objective is missed",
    Verdict.UNKNOWN: "not decided",
}
_STOPPED = {
    "budget": "the budget is used up",
    "interrupted": "interrupted: what follows is what was measured until then",
    "stranger_matched": "the application matched a synthetic user with another one: "
    "the load ended and the call was hung up",
    "coordinator_lost": "the coordinator was lost",
}


def headline(result: LoadResult) -> str:
    """The verdict in words, and why the load ended early if it did."""
    text = HEADLINES[result.verdict]
    stopped = _STOPPED.get(result.statistics.stopped_by)
    return f"{text}; {stopped}" if stopped else text


def plan_text(plan: LoadPlan) -> str:
    """``10 users, closed model, think time 1 s, 60 s``."""
    model = f"open model, {plan.rate:g} iterations/s" if plan.rate else "closed model"
    think = "" if plan.is_open else f", think time {show(plan.think, Unit.SECONDS)}"
    ramp = f", ramp {show(plan.ramp, Unit.SECONDS)}" if plan.ramp else ""
    users = "1 user" if plan.users == 1 else f"{plan.users:,} users"
    return f"{users}, {model}{think}, {show(plan.duration, Unit.SECONDS)}{ramp}"


def spending_text(spending: Spending) -> str:
    """``1,440 requests, 3,360 Redis commands, 15 MB through TURN``."""
    turn = show(float(spending.turn_bytes), Unit.BYTES)
    return (
        f"{spending.requests:,} requests, {spending.redis_commands:,} Redis commands, "
        f"{turn} through TURN"
    )


def seconds(value: float | None) -> str:
    """A latency for people."""
    return ABSENT if value is None else show(value, Unit.SECONDS)


def share(value: float | None) -> str:
    """A share for people."""
    return "" if value is None else show(value, Unit.RATIO, 2)


def objective_text(each: ObjectiveResult) -> str:
    """The measured value and the objective, in a sentence."""
    value = ABSENT if each.value is None else show(each.value, each.unit)
    side = "at most" if each.bad is LimitSide.ABOVE else "at least"
    reason = f" ({each.reason})" if each.reason else ""
    limit = show(each.objective, each.unit)
    spread = ""
    if each.value is not None and each.low is not None and each.high is not None:
        low, high = show(each.low, each.unit), show(each.high, each.unit)
        unit = high.rpartition(" ")[2]
        spread = f" (95 %: {low.removesuffix(f' {unit}')} to {high})"
    return f"{each.name}: {value} of {each.samples:,}{spread}, objective {side} {limit}{reason}"


def error_text(row: ErrorRow) -> str:
    """``session: deadline 12 times: no answer within 10 s``."""
    where = row.step + (f", phase {clean(row.phase)}" if row.phase else "")
    kind = "" if row.measured else " (not measured)"
    times = "once" if row.count == 1 else f"{row.count:,} times"
    return f"{where}: {row.cause.value} {times}{kind}: {clean(row.message)}"


def generator_text(result: LoadResult) -> str:
    """The generator's own part: lateness of the loop, CPU."""
    own = result.statistics.own
    lag = f"loop lag p95 {seconds(own.lag.quantile(0.95))}, at most {seconds(own.lag.maximum)}"
    cpu = own.cpu / own.elapsed if own.elapsed > 0 else 0.0
    busiest = f", the busiest worker {share(own.busiest)}" if result.workers > 1 else ""
    return f"Generator: {lag}; CPU {share(cpu)} of one core{busiest}"


def iterations_text(result: LoadResult) -> str:
    """Iterations, and how many a second."""
    found = result.statistics
    rate = found.completed / found.elapsed if found.elapsed > 0 else 0.0
    return (
        f"{found.completed:,} of {found.iterations:,} iterations completed, {rate:.3g}/s, "
        f"in {show(found.elapsed, Unit.SECONDS)}"
    )


def lost_workers_text(result: LoadResult) -> Iterator[str]:
    """What became of workers that did not report to the end."""
    yield from (clean(each) for each in result.lost)
