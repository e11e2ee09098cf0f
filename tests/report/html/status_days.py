"""A day's buckets and troubles, for overviews made by hand."""

import random
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from probe.core.model import Verdict
from probe.history.model import StatePeriod, TimeBucket
from probe.history.uptime.model import Uptime

NOW = 1767238560.0  # 2026-01-01 03:36:00 UTC
DAY = 86400.0
BUCKETS = 96
BUCKET = DAY / BUCKETS
START = NOW - DAY

Picker = Callable[[int], Verdict | None]


def ago(minutes: float) -> float:
    """A moment so long before the page was made."""
    return NOW - minutes * 60


def well(_: int) -> Verdict:
    """Every stretch is ok."""
    return Verdict.OK


def day(
    typical: float = 0.18,
    verdicts: Picker = well,
    *,
    runs: int = 90,
    seed: int = 1,
    spread: float = 0.25,
) -> tuple[TimeBucket, ...]:
    """A day's buckets: values wander around the typical one, the verdict is each bucket's
    worst; None leaves a bucket empty."""
    chance = random.Random(seed)
    return tuple(_bucket(verdicts(at), typical, runs, chance, spread) for at in range(BUCKETS))


def available(buckets: Sequence[TimeBucket]) -> Uptime | None:
    """How long a check was available, had it been so for equal parts of each bucket."""
    up = down = unknown = 0.0
    for bucket in buckets:
        runs = sum(bucket.verdicts.values())
        for verdict, count in bucket.verdicts.items():
            seconds = BUCKET * count / runs
            if verdict is Verdict.UNKNOWN:
                unknown += seconds
            elif verdict in (Verdict.OK, Verdict.OBJECTIVE_MISSED):
                up += seconds
            else:
                down += seconds
    return Uptime(0.0, DAY, up=up, down=down, unknown=unknown) if buckets else None


def spell(
    check: str, start: float, end: float | None, verdict: Verdict, message: str, **more: str
) -> StatePeriod:
    """A trouble from so many minutes ago until so many minutes ago (None: still)."""
    until = None if end is None else ago(end)
    entries = max(int((start - (end or 0)) * 6), 1)
    found = StatePeriod(check, ago(start), until, verdict, message=message, entries=entries)
    return replace(found, phase=more.get("phase", ""), cause=more.get("cause", ""))


def _bucket(
    verdict: Verdict | None, typical: float, runs: int, chance: random.Random, spread: float
) -> TimeBucket:
    if verdict is None:
        return TimeBucket({})
    median = typical * (1 + spread * (chance.random() - 0.5))
    greatest = median * (1.1 + chance.expovariate(3))
    counts: Mapping[Verdict, int] = {Verdict.OK: runs}
    if verdict is not Verdict.OK:
        counts = {Verdict.OK: runs - 3, verdict: 3}
    return TimeBucket(counts, median, greatest)


def restless(chance: random.Random) -> tuple[TimeBucket, ...]:
    """No two neighbours alike, so that nothing can be merged."""
    verdicts = list(Verdict)
    return tuple(
        TimeBucket(
            {verdicts[at % 5]: 90},
            chance.uniform(0.05, 0.5),
            chance.uniform(0.5, 1.5),
        )
        for at in range(BUCKETS)
    )
