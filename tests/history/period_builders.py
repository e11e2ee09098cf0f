"""Entries for tests of history, and what history says of them, worked out the plain way."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from statistics import median
from typing import Any

from probe.core.model import Status, Verdict
from probe.history.model import (
    HEALTH_STATES,
    HealthState,
    Labels,
    ResultRow,
    StatePeriod,
    TimeBucket,
)

NOON = 1_800_000_000.0
GRAVITY = (
    Verdict.OK,
    Verdict.OBJECTIVE_MISSED,
    Verdict.UNKNOWN,
    Verdict.WARNING,
    Verdict.CRITICAL,
)
UDP: Labels = (("provider", "primary"), ("transport", "udp"))
DOZEN = tuple((f"probe_turn_{number}_seconds", UDP, number / 7) for number in range(12))
_STATUSES = {HealthState.HEALTHY: Status.OK, HealthState.UNHEALTHY: Status.FAILED}


def entry(
    at: float = NOON, verdict: Verdict = Verdict.OK, check: str = "toy", **parts: Any
) -> ResultRow:
    """An entry of a check that took 0.3 s."""
    status = parts.pop("status", _STATUSES.get(HEALTH_STATES[verdict], Status.UNKNOWN))
    return ResultRow(check=check, at=at, duration=0.3, status=status, verdict=verdict, **parts)


def entries(count: int, start: float = NOON, every: float = 10.0, **parts: Any) -> list[ResultRow]:
    """Entries one after the other, numbered in their messages."""
    return [entry(start + every * n, message=str(n), **parts) for n in range(count)]


def spells_of(kept: Iterable[ResultRow]) -> dict[str, list[StatePeriod]]:
    """All spells of each check, oldest first."""
    return {check: _spells(check, of_check) for check, of_check in _by_check(kept).items()}


def _by_check(kept: Iterable[ResultRow]) -> dict[str, list[ResultRow]]:
    found: dict[str, list[ResultRow]] = {}
    for each in kept:
        found.setdefault(each.check, []).append(each)
    return found


def _spells(check: str, kept: Sequence[ResultRow]) -> list[StatePeriod]:
    runs = [list(run) for _, run in groupby(kept, key=lambda each: HEALTH_STATES[each.verdict])]
    ends = [run[0].at for run in runs[1:]]
    return [_spell(check, run, end) for run, end in zip(runs, [*ends, None], strict=True)]


def _spell(check: str, run: Sequence[ResultRow], end: float | None) -> StatePeriod:
    worst = max(reversed(run), key=lambda each: GRAVITY.index(each.verdict))
    return StatePeriod(
        check,
        run[0].at,
        end,
        worst.verdict,
        worst.phase,
        worst.cause,
        worst.message,
        len(run),
    )


def incidents_of(
    kept: Iterable[ResultRow], start: float, end: float, most: int
) -> dict[str, tuple[StatePeriod, ...]]:
    """What History.unhealthy_periods says: by time, whenever an entry was written."""
    found = {}
    for check, spells in spells_of(sorted(kept, key=lambda each: each.at)).items():
        touching = [each for each in reversed(spells) if _touches(each, start, end)]
        if touching:
            found[check] = tuple(touching[:most])
    return found


def _touches(spell: StatePeriod, start: float, end: float) -> bool:
    if spell.state is HealthState.HEALTHY:
        return False
    return spell.start < end and (spell.end is None or spell.end > start)


def bucket_edges(start: float, end: float, count: int) -> list[float]:
    """Where buckets of the same length begin; the last edge is where the last one ends."""
    width = (end - start) / count
    return [*(start + width * place for place in range(count)), end]


def day_of(kept: Iterable[ResultRow], edges: Sequence[float]) -> dict[str, tuple[TimeBucket, ...]]:
    """The bucket of each stretch between two edges, of checks that ran in any."""
    found = {}
    for check, of_check in _by_check(kept).items():
        stretches = [
            [each for each in of_check if start <= each.at < end] for start, end in pairwise(edges)
        ]
        if any(stretches):
            found[check] = tuple(_bucket(stretch) for stretch in stretches)
    return found


def _bucket(stretch: Sequence[ResultRow]) -> TimeBucket:
    values = [e.value for e in stretch if e.value is not None and math.isfinite(e.value)]
    return TimeBucket(
        dict(Counter(each.verdict for each in stretch)),
        median(values) if values else None,
        max(values, default=None),
    )
