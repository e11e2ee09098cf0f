"""Whether every check has a recent result: the condition for readiness and heartbeats."""

import time
from collections.abc import Callable, Collection

from probe.core.kind import Check
from probe.daemon.schedule import FIRST_ROUND_SECONDS, is_part_of_first_round

# How late a run may start and be cancelled before it counts as overdue.
SLACK_SECONDS = 15.0


class Readiness:
    """When the next result of each check is expected at the latest, on the monotonic clock.

    The first round is over when every check has a result, except those whose deadline is
    longer than the round; a round is complete while no check is overdue. Every result
    counts, whatever its status.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._checks: dict[str, Check] = {}
        self._expected: dict[str, float] = {}
        self._done: set[str] = set()

    def set_checks(self, checks: Collection[Check]) -> None:
        """These are the checks from now on; a new one has the time of a first round."""
        self._checks = {check.name: check for check in checks}
        opening = self._clock() + FIRST_ROUND_SECONDS + SLACK_SECONDS
        self._expected = {
            name: self._expected.get(name, opening + _beyond_first_round(check))
            for name, check in self._checks.items()
        }
        self._done &= self._checks.keys()

    def forget(self, name: str) -> None:
        """A check has changed: wait for its first result again."""
        self._expected.pop(name, None)
        self._done.discard(name)

    def done(self, name: str, now: float) -> None:
        """A check has a result."""
        check = self._checks.get(name)
        if check is not None:
            self._done.add(name)
            self._expected[name] = now + longest_seconds(check)

    def is_first(self, name: str) -> bool:
        """Whether a check has no result yet."""
        return name not in self._done

    @property
    def pending(self) -> list[str]:
        """The checks that the first round waits for."""
        return [
            name
            for name, check in self._checks.items()
            if name not in self._done and is_part_of_first_round(check.table.deadline)
        ]

    def overdue(self, now: float) -> list[str]:
        """The checks whose next result should be there by now."""
        return [name for name, expected in self._expected.items() if now > expected]


def longest_seconds(check: Check) -> float:
    """From one result to the next, at the latest."""
    return check.interval + check.table.deadline + SLACK_SECONDS


def _beyond_first_round(check: Check) -> float:
    """Seconds that a first run may take beyond the first round."""
    deadline = check.table.deadline
    return 0.0 if is_part_of_first_round(deadline) else deadline
