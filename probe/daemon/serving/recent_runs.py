"""The newest runs of each check with their phases: in memory, and stored every minute and at the
end, so that a check's page has its waterfalls after a restart."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence

from probe.core.model import Result
from probe.history import History, newest_runs
from probe.report.html.check_page import RunTimes
from probe.storage.json_codec import CodecError, JsonCodec

logger = logging.getLogger(__name__)

# Of each check; a thousand checks take a few megabytes.
MAX_RUNS = 10
STORE_SECONDS = 60.0
# So many checks are written before others may run.
WRITTEN_TOGETHER = 50
_MAX_PHASES = 24
_MAX_CHARACTERS = 500
_RUNS = JsonCodec(tuple[RunTimes, ...])


class RecentRuns:
    """Kept by check; without ``restore`` nothing is stored."""

    def __init__(self) -> None:
        self._runs: dict[str, deque[RunTimes]] = {}
        self._changed: set[str] = set()
        self._checks: frozenset[str] = frozenset()
        self._history: History | None = None

    def add(self, result: Result) -> None:
        """A check has run."""
        failure = result.failure
        run = RunTimes(
            at=result.started_at.timestamp(),
            duration=result.duration,
            status=result.status,
            phases=tuple(result.phases.items())[:_MAX_PHASES],
            phase=failure.phase if failure else "",
            cause=failure.cause.value if failure else "",
            message=failure.message[:_MAX_CHARACTERS] if failure else "",
        )
        self._runs.setdefault(result.check, deque(maxlen=MAX_RUNS)).appendleft(run)
        self._changed.add(result.check)

    def keep(self, checks: Sequence[str]) -> None:
        """Forget all others."""
        self._checks = frozenset(checks)
        self._runs = {name: runs for name, runs in self._runs.items() if name in self._checks}

    def of(self, check: str) -> tuple[RunTimes, ...]:
        """The newest runs, the newest first."""
        return tuple(self._runs.get(check, ()))

    async def restore(self, history: History) -> None:
        """Take over what the last process has stored; what can't be read is left out."""
        self._history = history
        nothing: dict[str, str] = {}
        for name, document in (await history.query(newest_runs.read, nothing)).items():
            try:
                runs = _RUNS.load(document)
            except CodecError:
                logger.info("the stored runs of %s can't be read", name[:100])
                continue
            self._runs[name] = deque((*self.of(name), *runs), maxlen=MAX_RUNS)

    async def run(self) -> None:
        """Store what is new once a minute, until cancelled."""
        while True:
            await asyncio.sleep(STORE_SECONDS)
            await self.store()

    async def store(self) -> None:
        """Store what is new."""
        if self._history is None or not self._changed:
            return
        names, self._changed = self._changed, set()
        try:
            documents = await self._documents(names)
        except asyncio.CancelledError:  # the end of the process stores them
            self._changed |= names
            raise
        checks = self._checks
        written = await self._history.change_now(
            "newest runs", lambda db: newest_runs.write(db, documents, checks)
        )
        if not written:  # a later change takes its place
            self._changed |= names

    async def _documents(self, names: Iterable[str]) -> dict[str, str]:
        """The texts of these checks; others run meanwhile."""
        found = {}
        for place, name in enumerate(names, 1):
            if name in self._runs:
                found[name] = _RUNS.dump(self.of(name))
            if place % WRITTEN_TOGETHER == 0:
                await asyncio.sleep(0)
        return found
