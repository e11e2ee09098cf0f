"""Uptime of windows and days, from aggregates where there are any, else from results.

Each is a function of a database inside a read transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from math import ceil

from probe.history.uptime.model import BAR_DAYS, DAY_SECONDS, WINDOWS, Subject, Uptime
from probe.history.uptime.rollup import DAY_HOURS, HOUR
from probe.history.uptime.source import RecentStates, UptimeSource
from probe.history.uptime.totals import Key, StateTotals


def windows(
    db: sqlite3.Connection,
    groups: Sequence[Subject],
    now: float,
    lengths: Sequence[float] = WINDOWS,
    recent: RecentStates | None = None,
) -> dict[Key, tuple[Uptime, ...]]:
    """Uptime of every check and group in windows of these lengths that end now; only of those
    that have any result in one of them."""
    source = UptimeSource(db, groups, now, recent)
    found = [source.totals(_start(now, length), now) for length in lengths]
    keys = dict.fromkeys(key for each in found for key in each)
    return {
        key: tuple(
            each.get(key, StateTotals()).uptime(_start(now, length), now)
            for each, length in zip(found, lengths, strict=True)
        )
        for key in keys
    }


def between(
    db: sqlite3.Connection, groups: Sequence[Subject], start: float, end: float
) -> dict[Key, Uptime]:
    """Uptime of every check and group that has any from ``start`` until ``end``."""
    found = UptimeSource(db, groups, end).totals(start, end)
    return {key: totals.uptime(start, end) for key, totals in found.items()}


def days(
    db: sqlite3.Connection,
    groups: Sequence[Subject],
    wanted: Iterable[Subject],
    now: float,
    number: int = BAR_DAYS,
    recent: RecentStates | None = None,
) -> dict[Key, tuple[Uptime, ...]]:
    """The last UTC days of each of these subjects, oldest first; the last one is today, until
    now. A day without any result is all gap."""
    source = UptimeSource(db, groups, now, recent)
    today = int(now // DAY_SECONDS)
    whole = min(today, source.rolled // DAY_HOURS)
    open_days = [
        (day, source.totals(day * DAY_SECONDS, min((day + 1) * DAY_SECONDS, now)))
        for day in range(max(whole, today - number + 1), today + 1)
    ]
    found = {}
    for subject in wanted:
        key = (subject.kind, subject.name)
        by_day = source.rows("days", key, today - number + 1, whole)
        for day, totals in open_days:
            by_day[day] = totals.get(key, StateTotals())
        found[key] = tuple(
            by_day.get(day, StateTotals()).uptime(
                day * DAY_SECONDS, min((day + 1) * DAY_SECONDS, now)
            )
            for day in range(today - number + 1, today + 1)
        )
    return found


def _start(now: float, length: float) -> float:
    """At a full hour for a window longer than a day, whose first hour has no results any more."""
    start = now - length
    return float(ceil(start / HOUR) * HOUR) if length > DAY_SECONDS else start
