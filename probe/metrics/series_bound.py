"""At most so many series for a check, whatever its state is.

A check that passes has its kind's number of them. One that fails has some more, which say why; for
these, lines make room that say least while it fails. Nothing that rules read is among them.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from msgspec import Struct

from probe.metrics.families import (
    DISTURBED,
    FAILING_SINCE,
    FAILURE,
    FAILURES,
    PHASES,
    RUNS,
    UNMEASURED_SINCE,
    Family,
    Pairs,
)
from probe.metrics.judgement import (
    ALERT_INFO,
    ALERT_SEVERITY,
    JUDGED,
    JUDGED_SAMPLES,
    OBJECTIVE_MISSED,
    THRESHOLD,
)

Line = tuple[Family, Pairs, float]

_OF_STATE = frozenset(
    {
        DISTURBED,
        FAILING_SINCE,
        FAILURE,
        FAILURES,
        UNMEASURED_SINCE,
        ALERT_INFO,
        OBJECTIVE_MISSED,
    }
)
_OF_VALUES = frozenset({THRESHOLD, JUDGED, JUDGED_SAMPLES})


class StateOfLines(Struct, frozen=True, gc=False):
    """What may make room: ``phase`` is the one that failed, ``settled`` are the signals that are
    within their limits, ``details`` those whose limits are shown beyond them alone, ``old`` the
    labels of counters of causes that have not occurred for an hour."""

    phase: str | None
    settled: Collection[str]
    details: Collection[str]
    old: Collection[Pairs]


def bounded(lines: Sequence[Line], most: int, state: StateOfLines) -> list[Line]:
    """The lines without as many of the dispensable ones as are above ``most``; as many as the
    state of the check has added at most."""
    excess = min(len(lines) - most, _added(lines, state))
    if excess <= 0:
        return list(lines)
    ranks = ((_rank(line, state), place) for place, line in enumerate(lines))
    left = sorted((*rank, place) for rank, place in ranks if rank is not None)
    gone = {place for *_, place in left[:excess]}
    return [line for place, line in enumerate(lines) if place not in gone]


def _added(lines: Sequence[Line], state: StateOfLines) -> int:
    """How many lines a check that passes doesn't have."""
    found = Counter(family for family, _, _ in lines)
    more = sum(found[family] for family in _OF_STATE)
    more += max(0, found[ALERT_SEVERITY] - 1) + max(0, found[RUNS] - 2)
    return more + sum(
        family in _OF_VALUES and dict(labels)["signal"] in state.details
        for family, labels, _ in lines
    )


def _rank(line: Line, state: StateOfLines) -> tuple[int, float] | None:
    """How soon a line makes room, the least first; None: never."""
    family, labels, value = line
    if family is FAILURES:
        return (0, value) if labels in state.old else None
    if family is DISTURBED:
        return (1, 0.0)
    own = dict(labels)
    if family in _OF_VALUES and own["signal"] in state.settled:
        return (2, 0.0) if own.get("level") == "objective" else (4, 0.0)
    if family is PHASES and own["phase"] != state.phase:
        return (3, value)
    return None
