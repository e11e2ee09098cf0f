"""A watch: results come in, the verdict is looked at again and again, and it ends with one."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from probe.gate.progress import ProgressStore, WatchClocks, WatchProgress
from probe.gate.sources import RowSource
from probe.gate.window import WindowJudge, verdict_on
from probe.history.model import ResultRow
from probe.report.gate.model import (
    Decision,
    GateReport,
    GateVerdict,
    GateWindow,
    MarkerRow,
    ObjectiveRow,
)

POLL_SECONDS = 10.0
SAVE_SECONDS = 30.0
# Objectives are judged this often: percentiles of a day are sorted each time.
JUDGE_SECONDS = 60.0


class WatchListener:
    """Receives the progress of a watch; the methods do nothing unless overridden."""

    def judged(
        self, window: GateWindow, rows: Sequence[ObjectiveRow], verdict: GateVerdict
    ) -> None:
        """The objectives were judged while the watch goes on."""

    def problem(self, text: str) -> None:
        """Something keeps rows or the progress from being stored or read."""


@dataclass
class Watch:
    """One watch, new or continued. ``fail_fast`` ends it as soon as it is decided.

    ``process`` says what the process itself has used, ``markers`` which events there were in the
    window; both are asked for the report.
    """

    judge: WindowJudge
    source: RowSource
    progress_store: ProgressStore
    progress: WatchProgress
    clocks: WatchClocks
    listener: WatchListener
    fail_fast: bool = False
    process: Callable[[], dict[str, str]] = dict
    markers: Callable[[float, float], Sequence[MarkerRow]] = lambda start, end: ()
    sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep
    _last_problem: str = ""
    _saved_at: float = 0.0

    def replay(self, rows: Iterable[ResultRow]) -> None:
        """Rows of this watch that an earlier process has stored."""
        for row in rows:
            self.judge.add(row)

    async def run(self) -> GateReport:
        """Until the time is up or, with ``fail_fast``, until it is decided."""
        early = ""
        await self.source.start()
        try:
            judged_at = self.progress.elapsed
            while not early and self.progress.elapsed < self.progress.planned:
                left = self.progress.planned - self.progress.elapsed
                await self.sleep(min(POLL_SECONDS, max(left, 0.01)))
                await self._update()
                step = min(JUDGE_SECONDS, self.progress.planned / 20)
                if self.progress.elapsed - judged_at >= step:
                    judged_at = self.progress.elapsed
                    early = self._judge()
        finally:
            await self.source.stop()
        for row in await self.source.rows():
            self.judge.add(row)
        report = self.report(early)
        self.progress.verdict = report.verdict.value
        self.progress_store.save(self.progress)
        return report

    def report(self, early: str = "") -> GateReport:
        """The report at this moment."""
        progress = self.progress
        window = self._window()
        notes = [each for each in (self.source.problem, self.progress_store.problem) if each]
        return self.judge.report(
            window,
            early=early,
            interruptions=progress.interruptions,
            process=self.process(),
            markers=self.markers(progress.started_at, window.end),
            notes=notes,
        )

    def _window(self) -> GateWindow:
        progress = self.progress
        return self.judge.window(max(self.clocks.now(), progress.started_at), progress.elapsed)

    async def _update(self) -> None:
        for row in await self.source.rows():
            self.judge.add(row)
        self.progress_store.tick(self.progress)
        if abs(self.progress.elapsed - self._saved_at) >= SAVE_SECONDS:
            self._saved_at = self.progress.elapsed
            self.progress_store.save(self.progress)
        problem = self.source.problem or self.progress_store.problem
        if problem and problem != self._last_problem:
            self.listener.problem(problem)
        self._last_problem = problem

    def _judge(self) -> str:
        """Why the watch ends now; empty: it goes on."""
        window = self._window()
        rows = self.judge.objectives(window)
        verdict = verdict_on(rows)
        if not window.is_complete:
            self.listener.judged(window, rows, verdict)
        if not self.fail_fast or window.is_complete or verdict is GateVerdict.NOT_DECIDED:
            return ""
        missed = [row.name for row in rows if row.decision is Decision.MISSED]
        if missed:
            return f"decided early: {', '.join(missed)} can no longer be met"
        return "decided early: every objective is met whatever happens"
