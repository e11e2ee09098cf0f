"""What the other probes are asked: all checks and groups of interest, a part at a time."""

from collections.abc import Sequence

from alerts.cluster.protocol.messages import MAX_ASKED, QueriedCheck, Query
from alerts.state.suspected_alert import SuspectedAlert

# Of one round, so that asking stays within its time; the rest is asked in the next rounds.
MAX_QUESTIONS = 5


class Questions:
    """Splits what is to be asked into questions, and these into rounds. ``id`` and ``region`` are
    the asking process's."""

    def __init__(self, id: str = "", region: str = "") -> None:
        self._asker = Query(asker=id, region=region[:40])
        self.groups: tuple[str, ...] = ()
        self._checks: tuple[str, ...] = ()
        self._next = 0

    @property
    def wanted(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The checks and the groups of the last round, and of those that are still to come."""
        return self._checks, self.groups

    def next_round(self, suspected: Sequence[SuspectedAlert], now: float) -> list[Query]:
        """The questions of one round; at least one, which asks whether a member is reachable."""
        asks: dict[str, QueriedCheck] = {}
        for each in suspected:
            name = each.identity.check
            asks.setdefault(name, QueriedCheck(check=name, younger=max(now - each.since, 0.0)))
        self._checks = tuple(asks)
        queried = [*asks.values()]
        count = max(-(-len(queried) // MAX_ASKED), -(-len(self.groups) // MAX_ASKED), 1)
        parts = [slice(index * MAX_ASKED, (index + 1) * MAX_ASKED) for index in range(count)]
        questions = [
            self._asker.model_copy(
                update={"asks": tuple(queried[part]), "groups": self.groups[part]}
            )
            for part in parts
        ]
        if count <= MAX_QUESTIONS:
            return questions
        first = self._next % count
        self._next = (first + MAX_QUESTIONS) % count
        return [questions[(first + index) % count] for index in range(MAX_QUESTIONS)]
