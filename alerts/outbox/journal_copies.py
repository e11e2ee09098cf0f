"""The same journal in one or two folders, each copy written by a thread of its own."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from probe.storage.journal import Contents, Journal
from probe.storage.replica import STALLED, Runner
from probe.storage.sqlite_errors import describe
from probe.storage.thread import Stalled

logger = logging.getLogger(__name__)

NAME = "open-incidents"
# So often a copy that could not be written is tried again.
CATCH_UP_SECONDS = 10.0

Records = Mapping[str, dict[str, Any]]


class JournalCopies:
    """Errors of a disk are not raised: :attr:`problem` says which there are."""

    def __init__(self, folders: Sequence[Path], thread: Callable[[str], Runner]) -> None:
        self._copies = [
            (Journal(folder, NAME), thread(f"journal-{place}"))
            for place, folder in enumerate(folders)
        ]
        self._unread: set[int] = set()
        self._problems: dict[int, str] = {}
        self._caught_up_at = float("-inf")

    @property
    def problem(self) -> str:
        """Why a copy can't be written, for people; empty if all can."""
        return "; ".join(self._problems.values())

    async def read(self) -> list[Contents]:
        """What is in each copy that can be read."""
        read = await self._each(lambda journal: journal.read())
        self._unread = {place for place, each in enumerate(read) if each is None}
        return [each for each in read if each]

    async def rewrite(self, records: Records) -> None:
        """Make every copy hold these records and nothing else."""
        await self._write(lambda journal: journal.rewrite(records))

    async def append(self, record: Mapping[str, Any], records: Records) -> None:
        """Add a record to every copy; ``records`` are all, should one be rewritten."""
        await self._write(lambda journal: journal.append(record, records))

    async def catch_up(
        self, take: Callable[[Contents], bool], records: Callable[[], Records]
    ) -> bool:
        """Rewrite the copies that missed something, if they can be written again.

        ``take`` is given what could not be read at the start and says whether any of it is new;
        whether one of them did.
        """
        now, found = asyncio.get_running_loop().time(), False
        if not self._problems or now - self._caught_up_at < CATCH_UP_SECONDS:
            return False
        self._caught_up_at = now
        for place in [place for place in self._problems if not self._copies[place][1].is_stalled]:
            if place in self._unread:
                contents = await self._one(place, lambda journal: journal.read())
                if contents is None:
                    continue
                found = take(contents) or found
                self._unread.discard(place)
            known = dict(records())
            await self._one(place, partial(Journal.rewrite, records=known))
        return found

    async def close(self) -> None:
        """Close the files."""
        await self._each(lambda journal: journal.close())
        for _, thread in self._copies:
            thread.close()

    async def _write(self, work: Callable[[Journal], Any]) -> None:
        """Do it to the copies that may be written: one that could not be read yet is not
        overwritten."""
        places = [place for place in range(len(self._copies)) if place not in self._unread]
        await asyncio.gather(*[self._one(place, work) for place in places])

    async def _each(self, work: Callable[[Journal], Any]) -> list[Any]:
        """Do it to every copy at the same time; what a copy can't do is its problem."""
        jobs = [self._one(place, work) for place in range(len(self._copies))]
        return list(await asyncio.gather(*jobs))

    async def _one(self, place: int, work: Callable[[Journal], Any]) -> Any:
        journal, thread = self._copies[place]
        problem = ""
        try:
            return await thread.run(lambda: work(journal))
        except Stalled:
            problem = STALLED
        except (OSError, sqlite3.Error, ValueError) as error:
            problem = describe(error)
        finally:
            was = self._problems.pop(place, "")
            if problem:
                self._problems[place] = f"the journal of open incidents: {problem}"
                if not was:
                    logger.warning("%s", self._problems[place])
        return None
