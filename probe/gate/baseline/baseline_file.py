"""A baseline is the JSON report of another window: it has the series that it was made from."""

import json
import math
from pathlib import Path
from typing import Any

from probe.core.model import Unit
from probe.report.gate.model import MeasuredSeries

MOST_BYTES = 64 << 20
_FIX = "write it with: probe report --since … --until … --report FILE.json"


class InvalidBaseline(Exception):
    """The file is no baseline; the text says why, and what to do."""


def read_baseline(path: Path) -> list[MeasuredSeries]:
    """Its series. Raises InvalidBaseline."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InvalidBaseline(f"is larger than {MOST_BYTES >> 20} MB: {_FIX}")
        document = json.loads(path.read_text(encoding="utf-8"))
        return [_series(each) for each in document["series"]]
    except OSError as error:
        raise InvalidBaseline(f"can't be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        problem = f"has no series ({type(error).__name__}): {_FIX}"
        raise InvalidBaseline(problem) from None


def _series(found: Any) -> MeasuredSeries:
    """Raises ValueError, KeyError, TypeError."""
    values = tuple(float(each) for each in found["values"])
    cases, bad = int(found["cases"]), int(found["bad"])
    if not all(map(math.isfinite, values)) or not 0 <= bad <= cases:
        raise ValueError("a value is out of range")
    return MeasuredSeries(
        str(found["check"]), str(found["signal"]), Unit(found["unit"]), cases, bad, values
    )
