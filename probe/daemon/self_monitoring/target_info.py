"""Labels that service discovery gives targets, as one info metric to join with."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from probe.core.kind import Check

NAME = "probe_target_info"
HELP = "Labels of a check's target, as service discovery gives them: join on check."
# Of the scraper, or of histograms and summaries: renamed as Prometheus renames what collides, or
# with `honor_labels` the series would be of another job.
RESERVED = frozenset({"job", "instance", "le", "quantile"})
MAX_VALUE = 500


class TargetInfo(Collector):
    """``checks`` gives the present ones. A label of the check's own name gives way to it."""

    def __init__(self, checks: Callable[[], Sequence[Check]], region: str) -> None:
        self._checks, self._region = checks, region

    def collect(self) -> Iterator[Metric]:
        """The metric, or nothing where no target has labels."""
        metric = Metric(NAME, HELP, "gauge")
        for check in self._checks():
            if check.table.target_labels:
                own = {"check": check.name, "kind": check.kind.name, "region": self._region}
                given = _safe(check.table.target_labels)
                labels = {**given, **own, "target": check.table.target}
                metric.add_sample(NAME, labels, 1.0)
        if metric.samples:
            yield metric


def _safe(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels without what belongs to others, and none longer than 500 characters."""
    return {
        f"exported_{name}" if name in RESERVED else name: value[:MAX_VALUE]
        for name, value in labels.items()
    }
