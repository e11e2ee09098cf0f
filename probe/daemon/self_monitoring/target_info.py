"""Labels that service discovery gives targets, as one info metric to join with."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from probe.core.kind import Check

NAME = "probe_target_info"
HELP = "Labels of a check's target, as service discovery gives them: join on check."


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
                labels = {**check.table.target_labels, **own, "target": check.table.target}
                metric.add_sample(NAME, labels, 1.0)
        if metric.samples:
            yield metric
