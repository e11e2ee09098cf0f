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


class Seconds(click.ParamType[float]):
    """A finite number of seconds, more than ``above``."""

    name = "SECONDS"

    def __init__(self, *, above: float) -> None:
        self._above = above

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read a number; infinity and NaN are none."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not math.isfinite(seconds) or seconds <= self._above:
            self.fail(
                f"'{value}' must be a number of seconds above {max(self._above, 0):g}", param, ctx
            )
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
        parts = _DURATION.fullmatch(str(value).strip())
        seconds = 0.0
        if parts is not None:
            seconds = sum(
                int(number) * _SECONDS_OF[unit]
                for unit, number in parts.groupdict().items()
                if number
            )
        if not 0 < seconds <= _MAX_HOURS * 3600:
            self.fail(f"'{value}' is not a positive duration: write 30m, 2h or 1d12h", param, ctx)
        return float(seconds)
