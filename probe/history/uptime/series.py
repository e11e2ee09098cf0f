"""Every signal of one check over time, from its results."""

import json
import sqlite3
import struct
from collections import defaultdict
from math import ceil

from probe.history.model import Labels
from probe.history.rows import CASES
from probe.history.uptime.model import SeriesPoint, SignalSeries

# Of more results, every second, third … is taken: percentiles of them are as good.
MAX_RUNS = 20_000
_COUNT = """
SELECT count(*) FROM entries INDEXED BY entries_by_check
WHERE check_id = ? AND at >= ? AND at < ?
"""
_RUNS = """
SELECT at, samples FROM entries INDEXED BY entries_by_check
WHERE check_id = ? AND at >= ? AND at < ? AND id % ? = 0 ORDER BY at LIMIT ?
"""
_SAMPLE = struct.Struct("<Id")
_LOW, _HIGH = 0.1, 0.9


def series(
    db: sqlite3.Connection, check: str, start: float, end: float, buckets: int
) -> tuple[SignalSeries, ...]:
    """Each signal with its labels, by name, in equal stretches from ``start`` until ``end``.

    Only of stretches in which it was measured; without the numbers of cases, which are no signals.
    """
    number = db.execute("SELECT id FROM checks WHERE name = ?", (check,)).fetchone()
    if number is None or end <= start:
        return ()
    parameters = (number[0], start, end)
    step = max(1, ceil(db.execute(_COUNT, parameters).fetchone()[0] / MAX_RUNS))
    width = (end - start) / buckets
    values: defaultdict[int, defaultdict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for at, samples in db.execute(_RUNS, (*parameters, step, MAX_RUNS)):
        place = min(int((at - start) / width), buckets - 1)
        whole = samples[: len(samples) - len(samples) % _SAMPLE.size]
        for signal, value in _SAMPLE.iter_unpack(whole):
            values[signal][place].append(value)
    found = [
        SignalSeries(
            signal,
            labels,
            tuple(
                _point(places[place], start + width * place, start + width * (place + 1))
                for place in sorted(places)
            ),
        )
        for signal, labels, places in _named(db, values)
    ]
    return tuple(sorted(found, key=lambda each: (each.signal, each.labels)))


def _named(
    db: sqlite3.Connection, values: dict[int, defaultdict[int, list[float]]]
) -> list[tuple[str, Labels, defaultdict[int, list[float]]]]:
    found = []
    for number, places in values.items():
        query = "SELECT signal, labels FROM series WHERE id = ?"
        row = db.execute(query, (number,)).fetchone()
        if row is not None and not row[0].endswith(CASES):
            labels = tuple((str(name), str(value)) for name, value in json.loads(row[1]))
            found.append((str(row[0]), labels, places))
    return found


def _point(values: list[float], start: float, end: float) -> SeriesPoint:
    values.sort()
    middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
    return SeriesPoint(start, end, len(values), _rank(values, _LOW), middle, _rank(values, _HIGH))


def _rank(values: list[float], share: float) -> float:
    """The nearest rank."""
    return values[max(0, ceil(share * len(values)) - 1)]
