"""Keys of ``probe.toml`` that Prometheus calls otherwise: both names are accepted."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, model_validator

# Prometheus' name, and the key that it stands for.
PROMETHEUS_NAMES = {"for": "hold", "keep_firing_for": "clear"}


class PrometheusNames(BaseModel):
    """A table in which a key may also have the name that Prometheus gives it."""

    @classmethod
    def keys(cls) -> list[str]:
        """The keys that are accepted."""
        return [
            *cls.model_fields,
            *(name for name, ours in PROMETHEUS_NAMES.items() if ours in cls.model_fields),
        ]

    @model_validator(mode="before")
    @classmethod
    def _translated(cls, raw: Any) -> Any:
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
