"""Where a watch gets its results: it runs the checks itself, or follows the daemon's history."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from alerts.evaluation.check_state import CheckStates
from alerts.evaluation.own_network import References
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result, Status
from probe.core.runner import preload, run_check
from probe.daemon.schedule import CheckTiming, Schedule, stagger
from probe.history.model import ResultRow, result_row
from probe.history.reading import HistoryFile, NoHistory

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 2.0


class RowSource(Protocol):
    """Rows of a watch, in the order of writing."""

    @property
    def problem(self) -> str:
        """Why rows may be missing; empty: nothing is wrong."""

    async def start(self) -> None:
        """Begin."""

    async def rows(self) -> Sequence[ResultRow]:
        """Those that are new."""

    async def stop(self) -> None:
        """End; what was measured until then is still in ``rows``."""


class RowStore(Protocol):
    """Keeps rows for a process that continues the watch."""

    def add(self, entry: ResultRow, /) -> None:
        """Keep one."""


@dataclass
class OwnChecks:
    """Runs the checks as the daemon does, without notifications.

    ``store`` keeps the rows; None where there is no data folder.
    """

    checks: Sequence[Check]
    context: Context
    store: RowStore | None = None
    problem: str = ""
    _new: list[ResultRow] = field(default_factory=list)
    _timings: dict[str, CheckTiming] = field(default_factory=dict)
    _ran: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._states, self._references = CheckStates(), References()
        self._by_name = {check.name: check for check in self.checks}
        self._schedule = Schedule(self._turn, clock=self.context.clock)

    async def start(self) -> None:
        """See RowSource."""
        await asyncio.to_thread(preload, self.checks)
        self.begin()

    def begin(self) -> None:
        """Start the schedule; what the checks need is loaded."""
        self._states.set_checks(self.checks)
        self._references.set_checks(self.checks)
        self._schedule.start()
        deadlines = {check.name: check.table.deadline for check in self.checks}
        for timing in stagger([(each.name, each.interval) for each in self.checks], deadlines):
            self._timings[timing.name] = timing
            self._schedule.add(timing)

    async def rows(self) -> Sequence[ResultRow]:
        """See RowSource."""
        found, self._new = self._new, []
        return found

    async def stop(self) -> None:
        """See RowSource."""
        await self._schedule.stop()
        await self.context.closing.drain(timeout=DRAIN_SECONDS)

    async def _turn(self, name: str) -> None:
        check, timing = self._by_name[name], self._timings[name]
        deadline = timing.deadline(check.table.deadline, opening=name not in self._ran)
        self._ran.add(name)
        self._take(check, await run_check(check, self.context, deadline=deadline))

    def _take(self, check: Check, result: Result) -> None:
        judged = self._references.update(result)
        self._states.update(judged, self.context.clock(), judged.started_at.timestamp())
        state = self._states.state(check.name)
        if state is None:
            return
        row = result_row(judged, state.verdict, check.kind.plot)
        self._new.append(row)
        if self.store is not None:
            self.store.add(row)
        self._run_again(check, judged, state.since)

    def _run_again(self, check: Check, result: Result, since: float) -> None:
        """A failure is confirmed early; references run too, to see whose network it is."""
        if result.failure is None or result.status is not Status.FAILED:
            return
        failing = result.started_at.timestamp() - since
        delay = check.retry_delay(result.failure.cause, failing)
        self._schedule.run_soon(check.name, delay)
        if result.check not in self._references.names:
            for name in self._references.names:
                self._schedule.run_soon(name, 0.0)


@dataclass
class DaemonHistory:
    """Follows what a daemon writes into its data folder."""

    history: HistoryFile
    after: int
    problem: str = ""
    _newest_at: float = 0.0

    async def start(self) -> None:
        """See RowSource."""

    async def rows(self) -> Sequence[ResultRow]:
        """See RowSource; while the history can't be read nothing, and what was missed later."""
        try:
            found = await asyncio.to_thread(self._read)
        except NoHistory as error:
            if not self.problem:
                logger.warning("%s", error)
            self.problem = str(error)
            return ()
        self.problem = ""
        return found

    async def stop(self) -> None:
        """See RowSource."""

    def _read(self) -> list[ResultRow]:
        known = 0.0
        if self.history.newest_id() < self.after:
            # The daemon began a new file, and copied into it what it could read of the old one.
            self.after, known = 0, self._newest_at
        rows = []
        for number, row in self.history.after(self.after):
            self.after = number
            if row.at > known or not known:
                rows.append(row)
                self._newest_at = max(self._newest_at, row.at)
        return rows
