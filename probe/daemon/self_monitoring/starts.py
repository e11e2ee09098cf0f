"""Recent starts of the daemon, and how each process ended, to detect crash loops."""

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from probe.storage.atomic import replace_file
from probe.storage.bus_error import REASON
from probe.storage.thread import Stalled, StorageThread

logger = logging.getLogger(__name__)

FILE = "starts.json"
MAX_KEPT = 20
LOOP_SECONDS, LOOP_STARTS = 300.0, 3
KILLED = "killed"


class Starts:
    """The record in ``folder`` (None: there is none). ``now`` is the wall clock."""

    def __init__(self, folder: Path | None, now: Callable[[], float]) -> None:
        self._path = folder / FILE if folder is not None else None
        self._now = now
        self._runs: list[dict[str, Any]] = []
        self._had_record = False
        self._thread = StorageThread("starts") if folder is not None else None

    @property
    def recent(self) -> int:
        """How many starts there were within five minutes, this one included."""
        now = self._now()
        return sum(0 <= now - run["at"] < LOOP_SECONDS for run in self._runs)

    @property
    def is_first(self) -> bool:
        """Whether no earlier start is on record, nor a record that can't be read."""
        return len(self._runs) <= 1 and not self._had_record

    @property
    def problem(self) -> str:
        """A description of the crash loop; empty if there is none."""
        count = self.recent
        if count < LOOP_STARTS:
            return ""
        ended = self._runs[-2].get("ended") or KILLED
        return f"the monitor restarts: {count} starts within 5 min; the last run ended by: {ended}"

    def is_restarted(self, how: str) -> bool:
        """Record at once, without the thread for it, that this process ends; whether it may start
        anew by itself, which a crash loop may not."""
        with suppress(OSError):
            self._end(how)
        return self.recent < LOOP_STARTS

    async def begin(self) -> None:
        """Read the record and add this start."""
        await self._do(self._begin)
        if len(self._runs) > 1 and self._runs[-2].get("ended") == REASON:
            logger.warning("the process before this one was started anew: %s", REASON)

    async def end(self, how: str) -> None:
        """Record how this process ends."""
        await self._do(lambda: self._end(how))
        if self._thread is not None:
            self._thread.close()

    async def _do(self, work: Callable[[], None]) -> None:
        if self._thread is None:
            return
        try:
            await self._thread.run(work)
        except (OSError, Stalled) as error:
            logger.info("starts are not recorded: %s", type(error).__name__)

    def _begin(self) -> None:
        self._had_record = self._path is not None and self._path.exists()
        self._runs = [*_read(self._path), {"at": self._now()}][-MAX_KEPT:]
        self._write()

    def _end(self, how: str) -> None:
        if self._runs:
            self._runs[-1]["ended"] = how[:200]
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._path, json.dumps(self._runs).encode())


def _read(path: Path | None) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_bytes()[: 1 << 16]) if path is not None else []
    except (OSError, ValueError, RecursionError):
        return []
    runs = found if isinstance(found, list) else []
    return [
        run
        for run in runs
        if isinstance(run, dict)
        and isinstance(run.get("at"), (int, float))
        and isinstance(run.get("ended", ""), str)
    ]
