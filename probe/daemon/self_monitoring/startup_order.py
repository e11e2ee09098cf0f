"""In which order checks run first after a start.

What was failing comes first, then what ran longest ago. In a crash loop, in which each process runs
a few checks only, all of them get their turn. In case one of them crashes the process, it sometimes
starts with another check.
"""

from collections.abc import Mapping, Sequence
from random import Random

from probe.core.kind import Check
from probe.history import History
from probe.history.model import HealthState, StatePeriod

# From so many starts within a short time on, and then in so many of them.
LOOPING_STARTS, SHARE_ELSEWHERE = 3, 0.25


async def startup_order(
    history: History, checks: Sequence[Check], starts: int, random: Random
) -> list[str]:
    """Names of the checks in the order of their first runs; ``starts`` there were lately."""
    names = [check.name for check in checks]
    periods = await history.current_periods()
    newest = {row.check: row.at for row in await history.newest(names)}
    return order_of(names, periods, newest, starts, random)


def order_of(
    names: Sequence[str],
    periods: Mapping[str, StatePeriod],
    last_run: Mapping[str, float],
    starts: int,
    random: Random,
) -> list[str]:
    """``periods`` are the present states of checks, ``last_run`` is when each ran last."""
    failing = [name for name in names if _fails(periods.get(name))]
    others = [name for name in names if name not in set(failing)]
    others.sort(key=lambda name: last_run.get(name, float("-inf")))
    if others and starts >= LOOPING_STARTS and random.random() < SHARE_ELSEWHERE:
        place = random.randrange(len(others))
        others = others[place:] + others[:place]
        return [*others, *failing]
    return [*failing, *others]


def _fails(period: StatePeriod | None) -> bool:
    return period is not None and period.state is HealthState.UNHEALTHY
