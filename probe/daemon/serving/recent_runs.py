"""The newest runs of each check with their phases, which history does not keep."""

from collections import deque
from collections.abc import Sequence

from probe.core.model import Result
from probe.report.html.check_page import RunTimes

# Of each check; a thousand checks take a few megabytes.
MOST_RUNS = 10
_MOST_PHASES = 24


class RecentRuns:
    """Kept in memory, by check."""

    def __init__(self) -> None:
        self._runs: dict[str, deque[RunTimes]] = {}

    def add(self, result: Result) -> None:
        """A check has run."""
        failure = result.failure
        run = RunTimes(
            at=result.started_at.timestamp(),
            duration=result.duration,
            status=result.status,
            phases=tuple(result.phases.items())[:_MOST_PHASES],
            phase=failure.phase if failure else "",
            cause=failure.cause.value if failure else "",
            message=failure.message if failure else "",
        )
        self._runs.setdefault(result.check, deque(maxlen=MOST_RUNS)).appendleft(run)

    def keep(self, checks: Sequence[str]) -> None:
        """Forget all others."""
        names = set(checks)
        self._runs = {name: runs for name, runs in self._runs.items() if name in names}

    def of(self, check: str) -> tuple[RunTimes, ...]:
        """The newest runs, the newest first."""
        return tuple(self._runs.get(check, ()))
