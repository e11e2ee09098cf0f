"""Reports of uptime, of which a part is without data, unknown or down."""

import random
from collections.abc import Sequence

from probe.history.uptime.model import (
    WINDOWS,
    Subject,
    SubjectKind,
    Uptime,
    UptimeReport,
)
from tests.report.html.status_days import DAY, NOW


def report(kind: SubjectKind, name: str, bad_days: Sequence[int] = ()) -> UptimeReport:
    """90 days, of which the first 12 are without data and one is unknown."""
    chance = random.Random(len(name) + sum(map(ord, name)))
    days = []
    for back in range(89, -1, -1):
        start = NOW // DAY * DAY - back * DAY
        end = min(start + DAY, NOW)
        length = end - start
        if back > 77:
            days.append(Uptime(start, end))
        elif back == 40:
            days.append(Uptime(start, end, up=0.2 * length, unknown=0.8 * length))
        elif back in bad_days:
            down = min(chance.uniform(120, 5400), length / 2)
            days.append(Uptime(start, end, up=length - down, down=down))
        else:
            days.append(Uptime(start, end, up=length))
    windows = tuple(_window(days, length) for length in WINDOWS)
    return UptimeReport(Subject(kind, name), 0.999, windows, tuple(days))


def _window(days: Sequence[Uptime], length: float) -> Uptime:
    used = [day for day in days if day.end > NOW - length]
    return Uptime(
        NOW - length,
        NOW,
        up=min(sum(day.up for day in used), length),
        down=sum(day.down for day in used),
        unknown=sum(day.unknown for day in used),
    )
