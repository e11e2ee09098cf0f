"""How often a check failed, by phase and cause, as counters whose rise every scraper sees."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.samples import Exemplar

from probe.core.model import Failure
from probe.metrics.families import FAILURES, Family, Pairs

# In the default set a new cause counts from 0, for so long that every scraper sees it: `increase`
# would miss the first failure otherwise.
FROM_ZERO_SECONDS = 60.0
# The counter of a cause that has not occurred for so long may make room. It returns with the value
# that it had, so `increase` over any window stays what it was.
OLD_SECONDS = 3600.0


@dataclass(slots=True)
class _CauseCount:
    """``base`` is shown in place of ``total`` since ``since``; None: the total is. ``newest`` is
    when it failed last, on the monotonic clock."""

    total: int
    newest: float
    exemplar: Exemplar
    base: int | None = None
    since: float = 0.0
    left_out: bool = False


class FailureCounts:
    """The counters of one check. ``full``: none is held back or left out."""

    def __init__(self, *, full: bool) -> None:
        self._full = full
        self._found: dict[Pairs, _CauseCount] = {}
        self._old: frozenset[Pairs] = frozenset()

    def add(self, failure: Failure, now: float, run: Exemplar) -> None:
        """A run failed so, at ``now`` on the monotonic clock; ``run`` says which."""
        key = cause_labels(failure)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = _CauseCount(0, now, run, left_out=True)
        if found.left_out and not self._full:
            found.base, found.since = found.total, now
        found.total += 1
        found.newest, found.exemplar, found.left_out = now, run, False
        self._old -= {key}

    def expire(self, now: float) -> bool:
        """What was held back for long enough is shown; whether that changes anything."""
        due = [
            each
            for each in self._found.values()
            if each.base is not None and now - each.since >= FROM_ZERO_SECONDS
        ]
        for each in due:
            each.base = None
        before = self._old
        self._old = frozenset(
            key for key, each in self._found.items() if now - each.newest >= OLD_SECONDS
        )
        return bool(due) or self._old != before

    @property
    def old(self) -> Collection[Pairs]:
        """The labels of what has not occurred for ``OLD_SECONDS``."""
        return self._old

    def lines(self) -> Iterator[tuple[Family, Pairs, float]]:
        """Every counter."""
        for key, each in self._found.items():
            yield FAILURES, key, float(each.total if each.base is None else each.base)

    def note_shown(self, shown: Iterable[Pairs]) -> None:
        """These alone are exported now."""
        there = set(shown)
        for key, each in self._found.items():
            each.left_out = key not in there

    @property
    def exemplars(self) -> Mapping[Pairs, Exemplar]:
        """The newest run that failed, by the labels of its counter."""
        return {key: each.exemplar for key, each in self._found.items()}


def cause_labels(failure: Failure) -> Pairs:
    """The labels that say why a run failed."""
    return (("phase", failure.phase), ("cause", failure.cause.value))
