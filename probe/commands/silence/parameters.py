"""Values of the command line's options."""

import math
import re
from typing import Any

import click

_MAX_HOURS = 10 * 366 * 24
_SECONDS_OF = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile("".join(f"(?:(?P<{unit}>[0-9]{{1,9}}){unit})?" for unit in _SECONDS_OF))


class Names(click.ParamType[tuple[str, ...]]):
    """NAME[,NAME], as a tuple."""

    name = "NAME[,NAME]"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        """Split at commas; an empty part is an error."""
        if isinstance(value, tuple):
            return value
        names = tuple(part.strip() for part in str(value).split(","))
        if not all(names):
            self.fail(f"'{value}' has an empty name in it", param, ctx)
        return names


class Number(click.IntRange):
    """A whole number within bounds."""

    name = "N"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Read a number; the message names both bounds."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            bounds = f"of {self.min} or more"
            if self.max is not None:
                bounds = f"from {self.min} to {self.max}"
            self.fail(f"'{value}' is not a whole number {bounds}", param, ctx)


class Seconds(click.ParamType[float]):
    """A finite number of seconds, or a duration, of more than ``above``."""

    name = "SECONDS"

    def __init__(self, *, above: float) -> None:
        self._above = above

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read a number or a duration; infinity and NaN are none."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = _seconds_of(str(value)) or math.nan
        if not math.isfinite(seconds) or seconds <= self._above:
            least = f"{max(self._above, 0):g}"
            problem = f"must be a number of seconds above {least}, or a duration like 90s or 5m"
            self.fail(f"'{value}' {problem}", param, ctx)
        return seconds


class Hours(click.ParamType[float]):
    """A positive number of hours."""

    name = "HOURS"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read a number; infinity and NaN are none."""
        try:
            hours = float(value)
        except ValueError:
            hours = math.nan
        if not math.isfinite(hours) or hours <= 0 or hours > _MAX_HOURS:
            self.fail(f"'{value}' is not a positive number of hours (2 or 0.5)", param, ctx)
        return hours


class Duration(click.ParamType[float]):
    """Seconds, from Prometheus' notation: 30m, 2h, 1d12h."""

    name = "DURATION"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read a duration."""
        if isinstance(value, float):
            return value
        seconds = _seconds_of(str(value))
        if not 0 < seconds <= _MAX_HOURS * 3600:
            self.fail(f"'{value}' is not a positive duration: write 30m, 2h or 1d12h", param, ctx)
        return seconds


def _seconds_of(text: str) -> float:
    """What a duration says; 0 for what is none."""
    parts = _DURATION.fullmatch(text.strip())
    found = parts.groupdict() if parts is not None else {}
    return float(sum(int(number) * _SECONDS_OF[unit] for unit, number in found.items() if number))
