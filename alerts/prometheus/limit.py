"""A threshold of a kind as the rules see it: the names of its alert and of its recorded value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.prometheus.promql import camel, number, on
from probe.core.kind import Kind
from probe.core.model import Aggregation, LimitSide, Threshold, Unit

_OPERATION = {Aggregation.LAST: "last", Aggregation.P95: "p95", Aggregation.RATIO: "mean"}


@dataclass(frozen=True, slots=True)
class Limit:
    """One threshold of one kind, as rules see it."""

    kind: Kind[Any, Any]
    threshold: Threshold

    @property
    def alert(self) -> str:
        """The name of its alerts."""
        side = "High" if self.threshold.bad is LimitSide.ABOVE else "Low"
        return camel(self.threshold.signal.name) + side

    @property
    def value(self) -> str:
        """The recorded value's name."""
        bare = self.threshold.signal.name.removeprefix("probe_")
        return f"probe:{bare}:{_OPERATION[self.aggregation]}"

    @property
    def aggregation(self) -> Aggregation:
        """How samples become one value; a window of nothing is the newest alone."""
        return self.threshold.aggregation if self.threshold.window else Aggregation.LAST

    @property
    def is_counted_elsewhere(self) -> bool:
        """Whether its values come aggregated, of so many cases (``Sample.denominator``)."""
        return self.aggregation is Aggregation.LAST and self.threshold.minimum_samples > 1

    @property
    def is_a_share(self) -> bool:
        """Whether chance has a part in the value, as ``alerts.evaluation.verdict`` sees it."""
        counted = self.is_counted_elsewhere and self.threshold.signal.unit is Unit.RATIO
        return self.aggregation is Aggregation.RATIO or counted

    @property
    def here(self) -> str:
        """The selector of the kind."""
        return f'{{kind="{self.kind.name}"}}'

    @property
    def on(self) -> str:
        """Match the same check and the signal's own labels."""
        return on(*self.threshold.signal.labels)

    @property
    def lowest(self) -> float | None:
        """The first limit that alerts."""
        limits = self.threshold.limits
        return limits.warning if limits.warning is not None else limits.critical

    def beyond(self, value: str, limit: float) -> str:
        """Compare a value with a limit; a value on the limit passes."""
        sign = ">" if self.threshold.bad is LimitSide.ABOVE else "<"
        return f"{value}{self.here} {sign} {number(limit)}"


def limits_of(kinds: Iterable[Kind[Any, Any]]) -> list[Limit]:
    """Every threshold with a limit that alerts."""
    found = [Limit(kind, threshold) for kind in kinds for threshold in kind.thresholds]
    return [each for each in found if each.lowest is not None]


def sample_labels(kinds: Iterable[Kind[Any, Any]]) -> Sequence[str]:
    """Every label that only some signals with limits have."""
    found = {name for limit in limits_of(kinds) for name in limit.threshold.signal.labels}
    return sorted(found)
