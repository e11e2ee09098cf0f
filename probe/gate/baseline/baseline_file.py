"""A baseline is the JSON report of another window: it has the series that it was made from."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    model_validator,
)

from probe.core.field_types import plain_error
from probe.core.model import Unit
from probe.gate.baseline.series import thinned
from probe.report.gate.model import MeasuredSeries

MAX_BYTES = 64 << 20
# A run each second for thirty years; and far more values than a report keeps.
MAX_CASES, MAX_VALUES = 1_000_000_000, 100_000
_FIX = "write it with: probe report --since … --until … --report FILE.json"


class InvalidBaseline(Exception):
    """The file is no baseline; the text says why, and what to do."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must have no control characters")
    return text


Name = Annotated[str, Field(max_length=300), AfterValidator(_printable)]


class _FileSeries(BaseModel):
    """One series of the file."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    check: Name
    signal: Name
    unit: Unit
    cases: int = Field(ge=0, le=MAX_CASES, strict=True)
    bad: int = Field(ge=0, le=MAX_CASES, strict=True)
    values: tuple[FiniteFloat, ...] = Field(max_length=MAX_VALUES)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.bad > self.cases:
            raise ValueError(f"{self.bad} of {self.cases} cases can't be bad")
        if len(self.values) > self.cases:
            raise ValueError(f"{len(self.values)} values can't be of {self.cases} cases")
        return self


class _BaselineFile(BaseModel):
    """What is read of the file; the rest of the report is for people."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    series: tuple[_FileSeries, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _are_different(self) -> Self:
        keys = Counter((each.check, each.signal) for each in self.series)
        (check, signal), count = keys.most_common(1)[0]
        if count > 1:
            raise ValueError(f"{check} has {signal or 'its runs'} {count} times")
        return self


def read_baseline(path: Path) -> list[MeasuredSeries]:
    """Its series. Raises InvalidBaseline."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidBaseline(f"can't be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise InvalidBaseline(f"is larger than {MAX_BYTES >> 20} MB: {_FIX}")
    try:
        found = _BaselineFile.model_validate_json(data.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        raise InvalidBaseline(f"{_problem(error)}: {_FIX}") from None
    return [
        MeasuredSeries(
            each.check, each.signal, each.unit, each.cases, each.bad, thinned(each.values)
        )
        for each in found.series
    ]


def _problem(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "json_invalid":
        return "is not a JSON document"
    if place == "series" or not place.startswith("series"):
        return f"has no series ({plain_error(first)})"
    return f'is not a baseline, key "{place}": {plain_error(first)}'
