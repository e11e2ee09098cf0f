"""``make bench-status``: what the status page takes with a thousand checks and 90 days of history:
to collect it, to render it, to send it from memory; and how large it is.
"""

import asyncio
import gzip
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from probe.core.model import Status, Verdict
from probe.daemon.serving.status_overview import day_figures
from probe.history import History, Retention
from probe.history.database import FILE_NAME
from probe.history.model import ResultRow
from probe.history.uptime import marks
from probe.history.uptime.model import DAY_SECONDS, Subject, SubjectKind
from probe.history.uptime.tables import row_id
from probe.report.board import StatusBoard
from probe.report.html import page
from tests.report.html.status_extremes import many_board
from tests.web.site_server import Source, served

CHECKS, DAYS, RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000, 90, 7
EVERY = 900.0
NOW = 1767238560.0


async def fill(folder: Path, names: list[str], groups: list[Subject]) -> None:
    """A day of results of each check, and 90 days of aggregates of all subjects."""
    async with _opened(folder, groups, names) as history:
        at = NOW - DAY_SECONDS
        while at < NOW:
            for name in names:
                history.add(ResultRow(name, at, 0.2, Status.OK, Verdict.OK, value=0.18))
            at += EVERY
            await history.flush()
    db = sqlite3.connect(folder / FILE_NAME)
    db.execute("DELETE FROM subjects")
    subjects = [Subject(SubjectKind.CHECK, name) for name in names] + groups
    rows = [(number, each.kind.value, each.name) for number, each in enumerate(subjects, 1)]
    db.executemany("INSERT INTO subjects VALUES (?, ?, ?)", rows)
    for table, length, number in (("hours", 3600, DAYS * 24), ("days", 86400, DAYS)):
        last = int(NOW // length)
        db.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?, 0, 0, 0, 4, 0, 0, 0.2, 0.3, 0.4)",
            (
                (row_id(subject, place), length * 1000)
                for subject, _, _ in rows
                for place in range(last - number, last)
            ),
        )
    marks.set_mark(db, marks.ROLLED_HOURS, NOW // 3600)
    db.commit()
    db.close()


class _opened:
    """History in a folder."""

    def __init__(self, folder: Path, groups: list[Subject], names: list[str]) -> None:
        self._folder, self._groups, self._names = folder, groups, names

    async def __aenter__(self) -> History:
        bounds = Retention(bytes=4 << 30)
        self._history = await History.open(self._folder, bounds=bounds, now=lambda: NOW)
        self._history.set_checks(dict.fromkeys(self._names, EVERY + 60), self._groups)
        return self._history

    async def __aexit__(self, *_: object) -> None:
        await self._history.close()


async def took(work: Callable[[], Awaitable[object]], runs: int = RUNS) -> str:
    """Median milliseconds, and of CPU, which other programs change less."""
    walls, cpus = [], []
    for _ in range(runs):
        started, cpu = time.perf_counter(), time.process_time()
        await work()
        walls.append(1000 * (time.perf_counter() - started))
        cpus.append(1000 * (time.process_time() - cpu))
    return f"{statistics.median(walls):.1f} ms (CPU {statistics.median(cpus):.1f} ms)"


async def main() -> None:
    """Print all figures."""
    board = many_board(CHECKS)
    names = [row.name for row in board.overview.rows]
    groups = [each.uptime.subject for each in board.services]
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        await fill(folder, names, groups)
        async with _opened(folder, groups, names) as history:
            now = NOW

            async def collect() -> None:
                nonlocal now
                now += 1.0
                for name in names[:: len(names) // 17]:
                    history.add(ResultRow(name, now, 0.2, Status.OK, Verdict.OK, value=0.18))
                await history.flush()
                await history.prepare_recent(now)
                windows = await history.uptime(now)
                assert len(windows) >= CHECKS
                await history.uptime_days(groups, now)
                await day_figures(history, windows, now)

            first = await took(collect, 1)
            print(f"{CHECKS} checks, {DAYS} days, medians of {RUNS}")
            print(f"collected from history in {await took(collect)}", end=", ")
            print(f"the first time after a start in {first}")

    await print_page(board)


async def print_page(board: StatusBoard) -> None:
    """Print what rendering the page costs, its size, and what an answer from memory costs."""

    async def render() -> None:
        page.render(board)

    document, _ = page.render(board)
    size, packed = len(document.encode()), len(gzip.compress(document.encode(), 5))
    print(f"rendered in {await took(render)}: {size:,} bytes, {packed:,} compressed")
    async with served(Source(board).pages()) as (client, _):

        async def ask() -> None:
            async with client.get("/") as answer:
                await answer.read()

        await ask()
        print(f"sent from memory in {await took(ask)}")


if __name__ == "__main__":
    asyncio.run(main())
