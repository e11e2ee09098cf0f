"""Times and durations for people and programs; all times are UTC.

Moments are seconds since 1970.
"""

import math
from datetime import UTC, datetime

from probe.core.model import Unit
from probe.report.text.units import ABSENT, DAY, show

_HOUR, _MINUTE = 3600, 60


def iso(moment: float | None) -> str | None:
    """ISO 8601 with a Z, to the second: ``2026-01-01T03:12:00Z``; None for no moment."""
    known = _utc(moment)
    return known.strftime("%Y-%m-%dT%H:%M:%SZ") if known else None


def clock(moment: float | None, now: float, *, seconds: bool = False) -> str:
    """``03:12``, with the date in front if it is a day or more away."""
    known = _utc(moment)
    if known is None or moment is None:
        return ABSENT
    time = known.strftime("%H:%M:%S" if seconds else "%H:%M")
    return time if abs(moment - now) < DAY else f"{known.strftime('%Y-%m-%d')} {time}"


def duration(seconds: float) -> str:
    """How long, as one would say it: ``40 s``, ``24 min``, ``1 h 24 min``, ``3 d 4 h``."""
    if not math.isfinite(seconds):
        return ABSENT
    whole = max(int(seconds), 0)
    if whole < _MINUTE:
        return show(float(whole), Unit.SECONDS) if whole else "0 s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, int(DAY), "d", _HOUR, "h")


def _two(whole: int, large: int, name: str, small: int, rest: str) -> str:
    left = whole % large // small
    return f"{whole // large:,} {name}" + (f" {left} {rest}" if left else "")


def _utc(moment: float | None) -> datetime | None:
    try:
        return None if moment is None else datetime.fromtimestamp(moment, UTC)
    except (OverflowError, OSError, ValueError):
        return None
