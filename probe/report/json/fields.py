"""What the JSON documents share: failures, samples, numbers and texts that every parser takes."""

import json
import math
from collections.abc import Mapping
from typing import Any

from probe.core.model import Evaluation, Failure, Sample


def failure_part(failure: Failure | None) -> dict[str, str] | None:
    """Where a check stopped and why; null where nothing failed."""
    if failure is None:
        return None
    return {
        "phase": failure.phase,
        "cause": failure.cause.value,
        "message": failure.message,
        "hint": failure.hint,
    }


def sample_part(sample: Sample) -> dict[str, Any]:
    """One value of one signal; ``disturbed`` is there where the value is."""
    part = {
        "signal": sample.signal.name,
        "value": finite(sample.value),
        "unit": sample.signal.unit.value,
        "labels": dict(sample.labels),
    }
    return {**part, "disturbed": True} if sample.disturbed else part


def evaluation_part(evaluation: Evaluation) -> dict[str, Any]:
    """One threshold against what was measured; the check is named around it."""
    threshold = evaluation.threshold
    return {
        "signal": threshold.signal.name,
        "labels": dict(evaluation.labels),
        "aggregation": threshold.aggregation.value,
        "value": finite(evaluation.value),
        "unit": threshold.signal.unit.value,
        "objective": finite(threshold.limits.objective),
        "warning": finite(threshold.limits.warning),
        "critical": finite(threshold.limits.critical),
        "verdict": evaluation.verdict.value,
    }


def finite(value: float | None) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if value is not None and math.isfinite(value) else None


def seconds(value: float | None) -> float | None:
    """Seconds to the microsecond: the rest is the clock's noise."""
    return round(value, 6) if value is not None and math.isfinite(value) else None


def printed(document: object, *, indent: int | None = 2) -> str:
    """A JSON document as every command prints it: ASCII, for strict parsers, ending in a line end.

    Raises ValueError for a number that JSON does not have.
    """
    text = json.dumps(whole(document), indent=indent, allow_nan=False)
    # Equal for a parser, but no ``##[command]`` for a CI service that reads the log.
    return text.replace("##", "#\\u0023") + "\n"


def whole(value: object) -> Any:
    """Replace lone surrogates (a target's JSON can hold them): strict parsers refuse them."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {whole(key): whole(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [whole(item) for item in value]
    return value
