"""When notifications are suppressed: maintenance windows of ``probe.toml``, and silences.

Checks keep running. Pure: ``now`` is passed in. Times are wall-clock
seconds since 1970 (UTC); a window or silence holds from its start until just before its end.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, islice, pairwise

from msgspec import Struct

from alerts.model import Silence
from alerts.silence.time_zone import instant
from alerts.silence.window_table import DAY, WindowTable, days


class Window(Struct, frozen=True):
    """One occurrence of a maintenance window."""

    name: str
    reason: str
    matches: tuple[str, ...]
    start: float
    end: float
    announcement: str = ""


def occurrences(table: WindowTable, start: float, end: float) -> Iterator[Window]:
    """The occurrences that touch the time from ``start`` to ``end``, in order.

    ``end`` may be infinite. One that would still last when the next begins ends there, so
    that they never overlap.
    """
    for begin, finish in _spans(table, start):
        if begin > end:
            return
        if finish > max(begin, start):
            about = (table.name, table.reason, table.matches)
            yield Window(*about, begin, finish, table.announcement)


def active(tables: Iterable[WindowTable], now: float) -> list[Window]:
    """The windows that hold now."""
    return [window for table in tables for window in occurrences(table, now, now)]


def upcoming(
    tables: Iterable[WindowTable], now: float, horizon_seconds: float = 7 * 86400
) -> list[Window]:
    """The next window of each table that begins after now, within the horizon; by start."""
    firsts = (
        next((w for w in occurrences(table, now, now + horizon_seconds) if w.start > now), None)
        for table in tables
    )
    return sorted((each for each in firsts if each), key=lambda window: window.start)


def next_change(
    tables: Iterable[WindowTable], silences: Iterable[Silence], now: float
) -> float | None:
    """When a window or silence begins or ends next; None: never again."""
    spans = [(each.start, each.end) for each in silences]
    for table in tables:
        spans += [(each.start, each.end) for each in islice(occurrences(table, now, math.inf), 1)]
    return min((moment for span in spans for moment in span if moment > now), default=None)


def _spans(table: WindowTable, since: float) -> Iterator[tuple[float, float]]:
    """Begin and end of each occurrence, from some days before ``since`` on."""
    zone = table.zone
    if table.start is not None and table.end is not None:
        yield instant(table.start, zone), instant(table.end, zone)
        return
    # An occurrence lasts a day at most, and a clock was never set forward by more than one.
    first = datetime.fromtimestamp(since, zone).date() - 3 * DAY
    begins = (instant(datetime.combine(day, table.at), zone) for day in days(table, first))
    for begin, following in pairwise(chain(begins, [math.inf])):
        yield begin, min(begin + table.minutes * 60, following)
