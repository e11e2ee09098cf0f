"""Every signal of one check over time: percentiles of equal stretches; and its last runs.

Each is a function of a database inside a read transaction.
"""

import json
import math
import sqlite3
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence

from probe.history.database import Unreadable
from probe.history.model import ResultRow
from probe.history.rows import COLUMNS, VERDICTS, Reader
from probe.history.uptime.model import SeriesPoint, SignalSeries

# Of more runs a part is read, by chance: percentiles stay close, and a month takes no longer.
MOST_RUNS = 6000
LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9
# A run is stored when it ends; the longest takes five minutes.
_LONGEST_RUN = 600.0
_SAMPLE = struct.Struct("<Id")
_INDEX = "entries INDEXED BY entries_by_standing"
_WHERE = "WHERE check_id = ? AND verdict = ? AND id >= ?"
# Multiplicative hashing: ids of one check may be regular.
_PART = "((id * 2654435761) >> 13) % ? = 0"

Buckets = dict[int, list[list[float]]]


def signal_series(
    db: sqlite3.Connection, check: str, start: float, end: float, buckets: int
) -> tuple[SignalSeries, ...]:
    """Each signal that the check has measured from ``start`` until before ``end``, in so many
    equal stretches, in the order of their names."""
    number = _number(db, check)
    if number is None or end <= start:
        return ()
    width = (end - start) / buckets
    values: Buckets = defaultdict(lambda: [[] for _ in range(buckets)])
    for at, samples in _runs(db, number, start, end):
        place = min(int((at - start) / width), buckets - 1)
        for series, value in _SAMPLE.iter_unpack(samples):
            if math.isfinite(value):
                values[series][place].append(value)
    names = _names(db, list(values))
    edges = [start + width * place for place in range(buckets + 1)]
    found = (
        SignalSeries(signal, labels, tuple(_points(values[series], edges)))
        for series, (signal, labels) in names.items()
    )
    return tuple(sorted(found, key=lambda each: (each.signal, each.labels)))


def last_runs(db: sqlite3.Connection, check: str, most: int) -> list[ResultRow]:
    """The newest results of a check, the newest first."""
    number = _number(db, check)
    if number is None:
        return []
    newest = sorted(
        (
            entry
            for verdict in range(len(VERDICTS))
            for (entry,) in db.execute(
                f"SELECT id FROM {_INDEX} {_WHERE} ORDER BY id DESC LIMIT ?",
                (number, verdict, 0, most),
            )
        ),
        reverse=True,
    )[:most]
    reader = Reader(db)
    rows = db.execute(
        f"SELECT {COLUMNS} FROM entries WHERE id IN (SELECT value FROM json_each(?))"
        " ORDER BY id DESC",
        (json.dumps(newest),),
    )
    return [reader.entry(row) for row in rows]


def _runs(
    db: sqlite3.Connection, check: int, start: float, end: float
) -> Iterator[tuple[float, bytes]]:
    first = db.execute(
        "SELECT id FROM entries INDEXED BY entries_by_time WHERE at >= ? ORDER BY at LIMIT 1",
        (start - _LONGEST_RUN,),
    ).fetchone()
    if first is None:
        return
    total = sum(
        db.execute(
            f"SELECT count(*) FROM {_INDEX} {_WHERE}", (check, verdict, first[0])
        ).fetchone()[0]
        for verdict in range(len(VERDICTS))
    )
    part = max(1, math.ceil(total / MOST_RUNS))
    for verdict in range(len(VERDICTS)):
        yield from db.execute(
            f"SELECT at, samples FROM {_INDEX} {_WHERE} AND {_PART} AND at >= ? AND at < ?",
            (check, verdict, first[0], part, start, end),
        )


def _number(db: sqlite3.Connection, check: str) -> int | None:
    found = db.execute("SELECT id FROM checks WHERE name = ?", (check,)).fetchone()
    return int(found[0]) if found else None


def _names(
    db: sqlite3.Connection, series: Sequence[int]
) -> dict[int, tuple[str, tuple[tuple[str, str], ...]]]:
    found = {}
    rows = db.execute(
        "SELECT id, signal, labels FROM series WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(series),),
    )
    for number, signal, labels in rows:
        try:
            pairs = tuple((str(name), str(value)) for name, value in json.loads(labels))
        except (TypeError, ValueError) as error:
            raise Unreadable("the labels of a signal make no sense") from error
        found[number] = (signal, pairs)
    return found


def _points(values: Sequence[list[float]], edges: Sequence[float]) -> Iterator[SeriesPoint]:
    for place, found in enumerate(values):
        found.sort()
        low, middle, high = (_quantile(found, share) for share in (LOW, MIDDLE, HIGH))
        yield SeriesPoint(edges[place], edges[place + 1], len(found), low, middle, high)


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """Between the two nearest values; None of nothing."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
