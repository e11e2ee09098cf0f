"""What ``/metrics`` has, as OTLP's data points: the same names, labels and values."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client.core import Metric as Family
from prometheus_client.samples import Sample

SCOPE = "probe"
_UNITS = {"_seconds": "s", "_bytes": "By", "_ratio": "1"}
_SECOND = 1_000_000_000


def metrics_data(
    families: Iterable[Family], resource: Resource, *, started: float, now: float
) -> MetricsData:
    """All families as one export. ``started`` is when counting began, ``now`` the moment of the
    values; seconds since 1970."""
    metrics = [
        Metric(family.name + suffix, family.documentation, _unit(family.name), data)
        for family in families
        for suffix, data in _data_of(family, int(started * _SECOND), int(now * _SECOND))
    ]
    scope = InstrumentationScope(SCOPE)
    return MetricsData(
        [ResourceMetrics(resource, [ScopeMetrics(scope, metrics, schema_url="")], schema_url="")]
    )


def _unit(name: str) -> str:
    return next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), "")


def _data_of(family: Family, started: int, now: int) -> Iterator[tuple[str, Any]]:
    """The name's suffix in Prometheus, and the data."""
    samples = [each for each in family.samples if not each.name.endswith("_created")]
    if not samples:
        return
    cumulative = AggregationTemporality.CUMULATIVE
    if family.type == "histogram":
        yield "", Histogram(list(_histograms(samples, started, now)), cumulative)
    elif family.type == "counter":
        points = [_point(each, now, started) for each in samples if math.isfinite(each.value)]
        yield "_total", Sum(points, cumulative, is_monotonic=True)
    else:
        yield "", Gauge([_point(each, now) for each in samples if math.isfinite(each.value)])


def _point(sample: Sample, now: int, started: int = 0) -> NumberDataPoint:
    """Of a gauge nothing began: 0 is "unknown" in OTLP."""
    return NumberDataPoint(dict(sample.labels), started, now, float(sample.value))


def _histograms(samples: Sequence[Sample], started: int, now: int) -> Iterator[HistogramDataPoint]:
    """Prometheus' buckets are cumulative, OTLP's are not."""
    series: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for sample in samples:
        labels: Mapping[str, str] = {k: v for k, v in sample.labels.items() if k != "le"}
        found = series.setdefault(tuple(sorted(labels.items())), {"le": []})
        if sample.name.endswith("_bucket"):
            found["le"].append((float(sample.labels["le"]), sample.value))
        else:
            found[sample.name.rpartition("_")[2]] = sample.value
    for key, found in series.items():
        bounds = sorted(found["le"])
        counts = [count for _, count in bounds]
        single = [int(b - a) for a, b in zip([0.0, *counts[:-1]], counts, strict=True)]
        yield HistogramDataPoint(
            attributes=dict(key),
            start_time_unix_nano=started,
            time_unix_nano=now,
            count=int(found.get("count", counts[-1] if counts else 0)),
            sum=float(found.get("sum", 0.0)),
            bucket_counts=single,
            explicit_bounds=[bound for bound, _ in bounds if math.isfinite(bound)],
            min=math.nan,
            max=math.nan,
        )
