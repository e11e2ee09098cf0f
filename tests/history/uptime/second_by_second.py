"""Uptime worked out the plain way: for each moment, which result holds there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from probe.core.model import Status, Verdict
from probe.history.model import ResultRow
from probe.history.uptime.model import Subject, SubjectKind

HOUR = 3600


@dataclass
class Seconds:
    """How many seconds of each state."""

    up: int = 0
    degraded: int = 0
    down: int = 0
    unknown: int = 0


def states_of(
    kept: Sequence[ResultRow],
    check: str,
    moments: Iterable[float],
    hold: float,
    stops: Sequence[float],
) -> Iterator[str | None]:
    """The state of a check at each moment, in order; None in a gap. ``kept`` are in the order of
    writing."""
    mine = [(row.at, place, row) for place, row in enumerate(kept) if row.check == check]
    mine.sort(key=lambda each: each[:2])
    holding: ResultRow | None = None
    for moment in moments:
        while mine and mine[0][0] <= moment:
            holding = mine.pop(0)[2]
        if holding is None:
            yield None
            continue
        ends = [holding.at + hold, *(stop for stop in stops if stop >= holding.at)]
        yield None if moment >= min(ends) else _state(holding)


def _state(row: ResultRow) -> str:
    if row.status is Status.UNKNOWN:
        return "unknown"
    if row.status is Status.OK:
        return "up"
    return "down" if row.verdict is Verdict.CRITICAL else "degraded"


def seconds_of(
    kept: Sequence[ResultRow],
    subject: Subject,
    start: int,
    end: int,
    holds: Mapping[str, float],
    stops: Sequence[float] = (),
) -> Seconds:
    """Every second from ``start`` until ``end``, one by one."""
    found = Seconds()
    names = subject.checks or (subject.name,)
    of_each = [states_of(kept, name, range(start, end), holds[name], stops) for name in names]
    for together in zip(*of_each, strict=True):
        states = {each for each in together if each is not None}
        if not states:
            continue
        if subject.kind is SubjectKind.CHECK:
            state = states.pop()
            state = "down" if state == "degraded" else state
        else:
            order = ("down", "degraded", "up", "unknown")
            state = next(each for each in order if each in states)
        match state:
            case "down":
                found.down += 1
            case "unknown":
                found.unknown += 1
            case "degraded":
                found.up += 1
                found.degraded += 1
            case _:
                found.up += 1
    return found
