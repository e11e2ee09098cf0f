"""Values as people read them: ``412 ms``, ``268 MB``, ``97.5 %``, ``13 d``."""

import math
import sys
from datetime import UTC, datetime
from decimal import Decimal

from probe.core.model import Unit

ABSENT = "—"
DAY = 86400.0

# What fewer significant digits than three would hide, more than fifteen would invent.
_DIGITS, _MAX_DIGITS = 3, 15
_DURATIONS = ((DAY, "d"), (3600.0, "h"), (120.0, "min"), (1.0, "s"), (0.0, "ms"))
_DIVISORS = {"d": DAY, "h": 3600.0, "min": 60.0, "s": 1.0, "ms": 0.001}
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (0.0, "B"))

# Between figures on one line.
JOINT = " · "


def show(value: float, unit: Unit, digits: int = _DIGITS) -> str:
    """A value with its unit, to so many significant digits; a dash for NaN and infinity."""
    if not math.isfinite(value):
        return ABSENT
    if unit is Unit.BOOLEAN:
        return "yes" if value else "no"
    if unit is Unit.TIMESTAMP:
        return _moment(value)
    sign = "-" if value < 0 else ""
    return sign + _magnitude(abs(value), unit, digits)


def compared(value: float, limit: float, unit: Unit) -> tuple[str, str]:
    """A value and the limit it is beyond, with digits enough to see that they differ."""
    for digits in range(_DIGITS, _MAX_DIGITS + 1):
        shown = show(value, unit, digits), show(limit, unit, digits)
        if shown[0] != shown[1] or value == limit:
            break
    return shown


def show_until(moment: float, now: float) -> str:
    """How far a moment (seconds since 1970) is from now: ``62 d``, ``3 d ago``."""
    if not math.isfinite(moment):
        return ABSENT
    distance = show(abs(moment - now), Unit.SECONDS)
    return distance if moment >= now else f"{distance} ago"


def _magnitude(value: float, unit: Unit, digits: int) -> str:
    if unit is Unit.SECONDS:
        return _duration(value, digits)
    if unit is Unit.BYTES:
        return _size(value, digits)
    if unit is Unit.RATIO:
        return f"{_share(min(value * 100, sys.float_info.max), digits)} %"
    return _plain(value, digits)


def _duration(value: float, digits: int) -> str:
    # Rounded first: 999.9 ms is 1 s, not 1000 ms.
    rounded = _round(value, digits)
    name = next(name for least, name in _DURATIONS if rounded >= least)
    if name == "d" and value >= 10 * DAY and digits == _DIGITS:
        # A part of a day is no help, and 13.9 days left are not yet 14.
        return f"{_plain(float(math.floor(value / DAY)), digits)} d"
    return f"{_plain(value / _DIVISORS[name], digits)} {name}"


def _size(value: float, digits: int) -> str:
    rounded = _round(value, digits)
    least, name = next(step for step in _SIZES if rounded >= step[0])
    return f"{_plain(value / (least or 1.0), digits)} {name}"


def _share(percent: float, digits: int) -> str:
    # 99.96 % is not all of it: as many digits as it takes to say so.
    while digits < _MAX_DIGITS and _round(percent, digits) == 100 != percent:
        digits += 1
    return _plain(percent, digits)


def _plain(value: float, digits: int) -> str:
    """A number with so many significant digits, but never fewer than its whole part has."""
    if value and not 1e-9 < value < 1e15:
        return f"{value:.{_DIGITS}g}"
    whole = len(str(int(value))) if value >= 1 else 0
    rounded = f"{value:.{max(digits, whole)}g}"
    text = f"{Decimal(rounded):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _round(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def _moment(value: float) -> str:
    try:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, OSError, ValueError):
        return ABSENT


def plural(number: int, noun: str) -> str:
    """``1 check``, ``1,200 checks``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
