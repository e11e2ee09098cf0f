"""Time zones by their IANA names, and the moments that their clocks show."""

import math
from bisect import bisect_left
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from probe.untrusted.text import suggest


def zone_of(name: str) -> tzinfo:
    """Raises ValueError for a name that the system's time zone database doesn't have."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        known = available_timezones()
    if not known:
        raise ValueError(
            f'can\'t look up "{name}": this system has no time zone database;'
            " install tzdata (the system's package or PyPI's), or use UTC"
        )
    hint = suggest(name, sorted(known), ': write an IANA name like "Europe/Berlin"')
    raise ValueError(f'no such time zone "{name}"{hint}')


def instant(moment: datetime, zone: tzinfo) -> float:
    """When a moment is; one without an offset is what the clocks of the zone show."""
    if moment.tzinfo is not None:
        return moment.timestamp()
    first = moment.replace(tzinfo=zone, fold=0)
    second = moment.replace(tzinfo=zone, fold=1)
    # PEP 495: the clock jumps over this time if the offset before is less than that after.
    before, after = first.utcoffset(), second.utcoffset()
    if before is None or after is None or before >= after:
        return first.timestamp()
    stretch = range(math.floor(second.timestamp()), math.ceil(first.timestamp()) + 1)
    jumped = bisect_left(
        stretch, True, key=lambda at: datetime.fromtimestamp(at, zone).utcoffset() == after
    )
    return float(stretch[jumped])
