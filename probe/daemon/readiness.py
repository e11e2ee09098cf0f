"""Whether everything has been looked at lately: what readiness and the heartbeat stand for."""

from collections.abc import Collection

from probe.core.kind import Check
from probe.daemon.schedule import is_part_of_first_round

# A run may begin this much late and be cut off slowly before it counts as not done.
SLACK_SECONDS = 15.0


class Readiness:
    """When each check was last done, on the monotonic clock.

    The first round is over when every check has had a result once, but for those that may
    take longer than it; a round is complete while no check is overdue. A result counts
    whatever it says, unknown included.
    """

    def __init__(self) -> None:
        self._longest: dict[str, float] = {}
        self._awaited: set[str] = set()
        self._done: dict[str, float] = {}

    def set_checks(self, checks: Collection[Check]) -> None:
        """These are the checks from now on."""
        self._longest = {
            check.name: check.interval + check.table.deadline + SLACK_SECONDS for check in checks
        }
        self._awaited = {
            check.name for check in checks if is_part_of_first_round(check.table.deadline)
        }
        self._done = {name: at for name, at in self._done.items() if name in self._longest}

    def forget(self, name: str) -> None:
        """A check has changed: it is yet to be looked at."""
        self._done.pop(name, None)

    def done(self, name: str, now: float) -> None:
        """A check has a result."""
        if name in self._longest:
            self._done[name] = now

    def is_first(self, name: str) -> bool:
        """Whether a check has no result yet."""
        return name not in self._done

    @property
    def pending(self) -> list[str]:
        """The checks that the first round waits for."""
        return [name for name in self._longest if name in self._awaited and name not in self._done]

    def overdue(self, now: float) -> list[str]:
        """The checks whose last result is older than it should be, or still awaited."""
        old = [
            name
            for name, longest in self._longest.items()
            if name in self._done and now - self._done[name] > longest
        ]
        return [*self.pending, *old]
