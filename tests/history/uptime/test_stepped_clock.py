"""A day's availability when the clock is set back and forth, within a life and between lives."""

from pathlib import Path
from random import Random

import pytest

from probe.core.model import Verdict
from probe.history.uptime.model import DAY_SECONDS, Subject, SubjectKind, Uptime
from tests.clocks import Clock
from tests.history.history_builders import keep, opened, uptime_between
from tests.history.period_builders import NOON, entry

A = Subject(SubjectKind.CHECK, "a")
HOUR = 3600.0
WITHIN = (-3 * HOUR, -600.0, 600.0, 5 * HOUR, -float(DAY_SECONDS), float(DAY_SECONDS))
BETWEEN = (*WITHIN, 30.0, -400.0 * DAY_SECONDS, 400.0 * DAY_SECONDS)


def states(found: Uptime) -> tuple[int, int, int]:
    return round(found.up), round(found.down), round(found.unknown)


@pytest.mark.parametrize("seed", range(4))
async def test_memory_and_file_agree_and_no_moment_counts_twice(tmp_path: Path, seed: int) -> None:
    random, clock, compared = Random(seed), Clock(NOON), 0
    for _ in range(4):
        async with opened(tmp_path, now=clock) as history:
            for _ in range(3):
                if random.random() < 0.4:
                    clock.pass_(random.choice(WITHIN))
                verdict = random.choice((Verdict.OK, Verdict.OK, Verdict.CRITICAL))
                runs = []
                for _ in range(random.randint(10, 100)):
                    runs.append(entry(clock(), verdict, "a"))
                    clock.pass_(60.0)
                await keep(history, runs)
                await history.prepare_recent(clock())
                windows = (await history.uptime(clock()))[A.kind, A.name]
                (shown,) = [each for each in windows if each.end - each.start == DAY_SECONDS]
                between = await uptime_between(history, shown.start, shown.end)
                assert states(shown) == states(between[A.kind, A.name])
                assert sum(states(shown)) <= DAY_SECONDS
                # What was just measured counts, whatever is stored of other times.
                span = await uptime_between(history, runs[0].at, runs[-1].at)
                known = span[A.kind, A.name]
                assert (known.down if verdict is Verdict.CRITICAL else known.up) > 0
                compared += 1
        if random.random() < 0.6:
            clock.pass_(random.choice(BETWEEN))
    assert compared == 12
