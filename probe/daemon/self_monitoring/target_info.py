"""Labels that service discovery gives targets, as one info metric to join with."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from probe.core.kind import Check
from probe.untrusted.labels import exported

NAME = "probe_target_info"
HELP = "Labels of a check's target, as service discovery gives them: join on check."
# Of the scraper, or of histograms and summaries: with `honor_labels` the series would be of
# another job.
RESERVED = frozenset({"job", "instance", "le", "quantile"})
MAX_VALUE = 500


class TargetInfo(Collector):
    """``checks`` gives the present ones."""

    def __init__(self, checks: Callable[[], Sequence[Check]], region: str) -> None:
        self._checks, self._region = checks, region

    def collect(self) -> Iterator[Metric]:
        """The metric, or nothing where no target has labels."""
        metric = Metric(NAME, HELP, "gauge")
        for check in self._checks():
            if check.table.target_labels:
                own = {"check": check.name, "kind": check.kind.name, "region": self._region}
                own["target"] = check.table.target
                given = _bounded(check.table.target_labels)
                labels = dict(exported(given, RESERVED | own.keys()))
                metric.add_sample(NAME, {**labels, **own}, 1.0)
        if metric.samples:
            yield metric


def _bounded(labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The labels, none longer than 500 characters."""
    return ((name, value[:MAX_VALUE]) for name, value in labels.items())
