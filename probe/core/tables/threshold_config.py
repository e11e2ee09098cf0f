"""Limits on one signal for one check, as ``probe.toml`` has them; keys that Prometheus calls
otherwise are accepted under both names."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationInfo,
    field_validator,
    model_validator,
)

from probe.core.field_types import Ratio, Seconds
from probe.core.model import Aggregation, LimitSide

# Prometheus' name, and the key that it stands for.
PROMETHEUS_NAMES = {"for": "hold", "keep_firing_for": "clear"}


def _is_number(annotation: object) -> bool:
    """Whether a field takes numbers, and neither ``true`` nor ``false``."""
    if get_origin(annotation) is Annotated:
        return _is_number(get_args(annotation)[0])
    parts = get_args(annotation)
    if annotation is bool or bool in parts:
        return False
    return annotation in (int, float) or any(_is_number(each) for each in parts)


class Table(BaseModel):
    """A table of ``probe.toml``. A key may also have the name that Prometheus gives it."""

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def keys(cls) -> list[str]:
        """The keys that are accepted."""
        return [
            *cls.model_fields,
            *(name for name, ours in PROMETHEUS_NAMES.items() if ours in cls.model_fields),
        ]

    @model_validator(mode="before")
    @classmethod
    def _translated(cls, raw: object) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        found = dict(raw)
        for name, ours in PROMETHEUS_NAMES.items():
            if name not in found or ours not in cls.model_fields:
                continue
            if ours in found:
                raise ValueError(f'"{name}" and "{ours}" are the same setting: keep one of them')
            found[ours] = found.pop(name)
        return found

    @field_validator("*", mode="before")
    @classmethod
    def _no_flag_for_a_number(cls, value: object, info: ValidationInfo) -> Any:
        # pydantic would take true for 1.
        field = cls.model_fields[info.field_name] if info.field_name else None
        if isinstance(value, bool) and field is not None and _is_number(field.annotation):
            raise ValueError("write a number, not true or false")
        return value


class ThresholdConfig(Table):
    """Limits on one signal for one check, in the signal's unit; replaces the default's.

    ``bad`` is the side of the limit where a value is bad. It and all below, in seconds and
    shares as :class:`probe.core.model.Threshold` has them, are the default's where not given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    objective: FiniteFloat | None = None
    """Objective: a value beyond it counts against the SLO and sends nothing. Example: `0.2`"""
    warning: FiniteFloat | None = None
    """A value beyond it is a warning. Example: `0.5`"""
    critical: FiniteFloat | None = None
    """A value beyond it is critical. Example: `1.0`"""
    bad: Literal["above", "below"] | None = None
    """The side of a limit on which a value is bad. Example: `below`"""
    aggregation: Aggregation | None = None
    """How the samples of the window become the value that is compared. Example: `p95`"""
    window: Seconds | None = Field(default=None, ge=0, le=86400)
    """Time over which samples are aggregated; 0 takes the last sample alone. Example: `300`"""
    minimum_samples: int | None = Field(default=None, ge=1, le=10000)
    """With fewer samples in the window the threshold is not evaluated. Example: `20`"""
    hold: Seconds | None = Field(default=None, ge=0, le=86400)
    """How long a value is beyond a limit before the alert fires. `for` is another name. Example:
    `120`"""
    clear: Seconds | None = Field(default=None, ge=0, le=86400)
    """How long a value is within the limit before the alert is resolved. `keep_firing_for` is
    another name. Example: `600`"""
    margin: Ratio | None = Field(default=None, ge=0, le=1)
    """Hysteresis: the share of the limit by which a value has to be within it. Example: `0.05`"""

    @property
    def terms(self) -> dict[str, Any]:
        """What is given besides the limits, by a threshold's names."""
        names = ("aggregation", "window", "minimum_samples", "hold", "clear", "margin")
        given = {name: getattr(self, name) for name in names}
        found = {name: value for name, value in given.items() if value is not None}
        return found if self.bad is None else {**found, "bad": LimitSide(self.bad)}
