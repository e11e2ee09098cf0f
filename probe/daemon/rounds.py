"""Whether everything has been looked at lately: what readiness and the heartbeat stand for."""

from collections.abc import Iterable

from probe.kind import Check

# A run may begin this much late and be cut off slowly before it counts as not done.
SLACK_SECONDS = 15.0


class Rounds:
    """When each check was last done, on the monotonic clock.

    The first round is over when every check has had a result once; a round is complete
    while no check is overdue. A result counts whatever it says, unknown included.
    """

    def __init__(self) -> None:
        self._longest: dict[str, float] = {}
        self._done: dict[str, float] = {}

    def watch(self, checks: Iterable[Check]) -> None:
        """These are the checks from now on."""
        self._longest = {
            check.name: check.interval + check.table.deadline + SLACK_SECONDS for check in checks
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
    def missing(self) -> list[str]:
        """The checks that have no result yet."""
        return [name for name in self._longest if name not in self._done]

    def overdue(self, now: float) -> list[str]:
        """The checks whose last result is older than it should be, or that have none."""
        return [
            name
            for name, longest in self._longest.items()
            if name not in self._done or now - self._done[name] > longest
        ]
