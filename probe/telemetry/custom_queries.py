"""Queries of the operator's own, in ``probe.toml``: each becomes a signal like any other."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator, model_validator

from probe.core.causes import Cause
from probe.core.model import Limits, LimitSide, NotMeasured, Signal, Threshold, Unit
from probe.core.recorder import Recorder

if TYPE_CHECKING:
    from probe.telemetry.promql import Series

PREFIX = "probe_own_"
MAX_LABEL_SETS = 32
# Fly overwrites these where its Prometheus scrapes the probe.
_RENAMED = {"instance": "machine", "region": "machine_region"}
_TAKEN = {"app", "host"}
_LABEL = re.compile(r"^[a-zA-Z][a-zA-Z0-9_]*$")
_SUFFIXES = {Unit.SECONDS: "_seconds", Unit.BYTES: "_bytes", Unit.RATIO: "_ratio"}


class OwnQuery(BaseModel):
    """One query: exported as ``probe_own_NAME``, judged by its limits.

    ``labels`` are those of the query's series that distinguish its values; a query without
    them has to give one value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    """Name of the signal: `probe_own_NAME`. Example: `disk_used`"""
    query: str = Field(min_length=1, max_length=4000)
    """PromQL query. Example: `max(fly_volume_used_pct{app="paircam"}) / 100`"""
    unit: Literal["seconds", "bytes", "ratio", "count"]
    """Unit of the value. Example: `ratio`"""
    help: str = Field(default="A custom query.", pattern=r"^.{1,200}\.$")
    """Help text of the metric, one sentence. Example: `Used share of the volume.`"""
    labels: tuple[str, ...] = Field(default=(), max_length=5)
    """Labels of the series that distinguish its values. Example: `["region"]`"""
    objective: FiniteFloat | None = None
    """Objective. Example: `0.5`"""
    warning: FiniteFloat | None = None
    """Warning limit. Example: `0.8`"""
    critical: FiniteFloat | None = None
    """Critical limit. Example: `0.95`"""
    bad: Literal["above", "below"] = "above"
    """The side of a limit on which a value is bad. Example: `below`"""

    @field_validator("labels")
    @classmethod
    def _usable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for label in value:
            if label in _TAKEN or label in _RENAMED.values() or not _LABEL.match(label):
                raise ValueError(f"'{label}' can't be a label here: leave it out")
        if len(set(value)) != len(value):
            raise ValueError("a label is repeated: write it once")
        return value

    @model_validator(mode="after")
    def _named_by_unit(self) -> Self:
        suffix = _SUFFIXES.get(Unit(self.unit), "")
        if not self.name.endswith(suffix):
            raise ValueError(f"a name of {self.unit} ends in {suffix}: write {self.name}{suffix}")
        return self

    @property
    def signal(self) -> Signal:
        """What it measures; ``instance`` and ``region`` are called machine and machine_region."""
        labels = tuple(_RENAMED.get(label, label) for label in self.labels)
        return Signal(
            PREFIX + self.name, Unit(self.unit), self.help, labels, self.name, ephemeral=True
        )

    @property
    def threshold(self) -> Threshold:
        """Its limits; all of them may be empty."""
        limits = Limits(self.objective, self.warning, self.critical)
        return Threshold(self.signal, limits, bad=LimitSide(self.bad))

    def write(self, found: "Sequence[Series]", record: Recorder) -> None:
        """Write down what was answered.

        Raises NotMeasured: no_data for an empty answer, body_invalid where its labels don't
        distinguish the values or there are more than 32.
        """
        if not found:
            raise NotMeasured(Cause.NO_DATA, f"the query {self.name} has no result")
        if len(found) > MAX_LABEL_SETS:
            counts = f"{len(found)} values, at most {MAX_LABEL_SETS} are taken"
            message = f"the query {self.name} gives {counts}"
            raise NotMeasured(Cause.BODY_INVALID, message, hint="Aggregate it: sum by(…).")
        values = {
            tuple(series.labels.get(label, "") for label in self.labels): series.value
            for series in found
        }
        if len(values) < len(found):
            message = f"the query {self.name} gives several values for the same labels"
            raise NotMeasured(
                Cause.BODY_INVALID, message, hint="Aggregate it, or name more labels."
            )
        signal = self.signal
        for labels, value in values.items():
            record.sample(signal, value, **dict(zip(signal.labels, labels, strict=True)))
