"""What the other probes are queried for: all checks and groups of interest, in parts."""

from collections.abc import Sequence

from alerts.cluster.protocol.messages import MAX_QUERIED, QueriedCheck, Query
from alerts.state.suspected_alert import SuspectedAlert

# Of one round, so that it stays within its time; the rest follows in the next rounds.
MAX_QUERIES = 5


class QueryPlanner:
    """Splits what is wanted into queries, and these into rounds. ``id`` and ``region`` are those
    of the querying process."""

    def __init__(self, id: str = "", region: str = "") -> None:
        self._template = Query(asker=id, region=region[:40])
        self.groups: tuple[str, ...] = ()
        self._checks: tuple[str, ...] = ()
        self._next = 0

    @property
    def wanted(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The checks and the groups of the last round, and of those that are still to come."""
        return self._checks, self.groups

    def next_round(self, suspected: Sequence[SuspectedAlert], now: float) -> list[Query]:
        """The queries of one round; at least one, which shows whether a member is reachable."""
        asks: dict[str, QueriedCheck] = {}
        for each in suspected:
            name = each.identity.check
            asks.setdefault(name, QueriedCheck(check=name, younger=max(now - each.since, 0.0)))
        self._checks = tuple(asks)
        queried = [*asks.values()]
        count = max(-(-len(queried) // MAX_QUERIED), -(-len(self.groups) // MAX_QUERIED), 1)
        parts = [slice(index * MAX_QUERIED, (index + 1) * MAX_QUERIED) for index in range(count)]
        queries = [
            self._template.model_copy(
                update={"asks": tuple(queried[part]), "groups": self.groups[part]}
            )
            for part in parts
        ]
        if count <= MAX_QUERIES:
            return queries
        first = self._next % count
        self._next = (first + MAX_QUERIES) % count
        return [queries[(first + index) % count] for index in range(MAX_QUERIES)]
