"""What has to be told and what has been seen, kept on a disk until it is done.

A transition and its messages are stored in one transaction; a message leaves the outbox
only after its notifier has taken it. Without a folder, or when the disk refuses, everything
is kept in memory and :attr:`Outbox.state` says so. Another process may open the same file
at the same time, to add a silence.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from alerts.model import Delivery, Silence
from alerts.outbox import queries, schema

NO_FOLDER = "no data folder is configured"
# So often a disk that refused is tried again.
RETURN_SECONDS = 60.0

T = TypeVar("T")
Question = Callable[[sqlite3.Connection], T]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How the outbox fares.

    ``persistent``: what it holds outlives the process; if not, ``problem`` says why.
    ``waiting`` and ``refused`` count deliveries; ``oldest`` is the ``at`` of the oldest
    waiting message, in seconds since 1970, None when none waits.
    """

    persistent: bool
    problem: str = ""
    waiting: int = 0
    oldest: float | None = None
    refused: int = 0


class Outbox:
    """A durable queue with an asynchronous front; all SQL runs in one thread of its own.

    :meth:`open` makes one. Errors of the disk don't come out: they move it to memory, and
    from there back to the disk once that works again.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._folder: Path | None = None
        self._left: Path | None = None
        self._left_at = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._database: sqlite3.Connection | None = None
        self._state = OutboxState(persistent=False, problem="not open")

    @classmethod
    async def open(cls, folder: Path | None, *, now: Callable[[], float] = time.time) -> "Outbox":
        """The outbox in ``folder``, or in memory if that is None or can't be written."""
        outbox = cls(now)
        await outbox._run(lambda: outbox._open(folder))
        return outbox

    @property
    def state(self) -> OutboxState:
        """As it was after the last operation."""
        return self._state

    async def commit(
        self, states: Mapping[str, str | None], deliveries: Sequence[Delivery] = ()
    ) -> None:
        """Store states and append deliveries, both or neither.

        ``states`` maps an identity to its document, None deletes it.
        """
        await self._change(lambda db: queries.commit(db, states, deliveries))

    async def states(self) -> dict[str, str]:
        """The stored document of every identity."""
        return await self._ask(queries.states)

    async def waiting(self, notifier: str | None = None) -> list[Delivery]:
        """All that are not delivered yet, in their order; of one notifier or of all."""
        return await self._change(lambda db: queries.waiting(db, notifier))

    async def memory(self, notifier: str, key: str) -> dict[str, str]:
        """What a notifier wanted to remember of a key; empty if nothing."""
        return await self._ask(lambda db: queries.memory(db, notifier, key))

    async def begin(self, delivery: Delivery) -> Delivery:
        """Count an attempt that is about to be made; returns the delivery as counted.

        Before, not after: a process that is killed while it sends must know later that the
        message may have been received.
        """
        return await self._change(lambda db: queries.begin(db, delivery))

    async def delivered(self, delivery: Delivery, memory: Mapping[str, str]) -> None:
        """It was taken: remove it and keep ``memory`` for the key's next message.

        A key that is resolved is forgotten.
        """
        await self._change(lambda db: queries.delivered(db, delivery, memory))

    async def failed(self, delivery: Delivery, error: str, due: float) -> None:
        """It was not taken; the next attempt is due at ``due`` (seconds since 1970)."""
        await self._change(lambda db: queries.failed(db, delivery, error, due))

    async def dead_letter(self, delivery: Delivery, error: str) -> None:
        """It will never be taken: move it to the refused ones, the last 50 of which stay."""
        await self._change(lambda db: queries.dead_letter(db, delivery, error))

    async def refused(self) -> list[Delivery]:
        """The last ones that were refused for good, oldest first."""
        return await self._change(queries.refused)

    async def withdraw(self, notifier: str, key: str) -> None:
        """Remove what waits for a notifier under a key: another probe sends it."""
        await self._change(lambda db: queries.withdraw(db, notifier, key))

    async def replace(self, old: Sequence[Delivery], new: Delivery | None) -> None:
        """Put ``new`` into the place of the first of ``old`` and remove the others."""
        await self._change(lambda db: queries.replace(db, old, new))

    async def silences(self, now: float) -> list[Silence]:
        """Those that have not ended at ``now``, also those that have yet to begin."""
        return await self._ask(lambda db: queries.silences(db, now))

    async def add_silence(self, silence: Silence) -> None:
        """Store a silence; one of the same name is replaced."""
        await self._change(lambda db: queries.add_silence(db, silence))

    async def end_silence(self, name: str, now: float) -> bool:
        """End a silence at ``now``; False if there is none of that name, or it is over."""
        return await self._change(lambda db: queries.end_silence(db, name, now))

    async def close(self) -> None:
        """Close the file after everything that was asked before; again does nothing."""
        if self._database is not None:
            await self._run(self._close)
            self._thread.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        # What was begun is carried out, even if nobody waits for it any more: a message
        # that was delivered must be noted as delivered.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))

    async def _ask(self, question: Question[T]) -> T:
        return await self._run(lambda: self._answer(question))

    async def _change(self, question: Question[T]) -> T:
        def change() -> T:
            self._return()
            answer = self._answer(lambda db: _in_one(db, question))
            self._count()
            return answer

        return await self._run(change)

    def _answer(self, question: Question[T]) -> T:
        if self._database is None:
            raise RuntimeError("the outbox is closed")
        try:
            return question(self._database)
        except sqlite3.Error as error:
            if self._folder is None or not schema.is_disk_error(error):
                raise
            return question(self._leave(self._database, self._folder, str(error)))

    def _open(self, folder: Path | None) -> None:
        problem = NO_FOLDER
        try:
            if folder is not None:
                self._settle(schema.open_file(folder, self._now()), folder)
                return
        except (OSError, sqlite3.Error) as error:
            problem = f"{folder} can't be used: {error}"
        logger.warning("alerts are kept in memory only: %s", problem)
        self._settle(schema.in_memory(), None, problem)

    def _leave(self, file: sqlite3.Connection, folder: Path, problem: str) -> sqlite3.Connection:
        """Go on in memory with what the file held."""
        logger.warning("alerts are kept in memory until the disk works again: %s", problem)
        memory = schema.copy_to_memory(file)
        file.close()
        self._left, self._left_at = folder, self._now()
        self._settle(memory, None, problem)
        return memory

    def _return(self) -> None:
        """Go back to the file, if it was left some time ago and can be written again."""
        if self._left is None or self._database is None:
            return
        if abs(self._now() - self._left_at) < RETURN_SECONDS:
            return
        self._left_at = self._now()
        try:
            file = schema.restore_to_disk(self._database, self._left, self._now())
        except (OSError, sqlite3.Error):
            return
        logger.warning("alerts are kept on the disk again")
        self._database.close()
        self._settle(file, self._left)
        self._left = None

    def _settle(self, connection: sqlite3.Connection, folder: Path | None, why: str = "") -> None:
        self._database, self._folder = connection, folder
        self._state = OutboxState(persistent=folder is not None, problem=why)
        self._count()

    def _count(self) -> None:
        waiting, oldest, refused = self._answer(queries.count)
        state = self._state
        self._state = OutboxState(state.persistent, state.problem, waiting, oldest, refused)

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def _in_one(connection: sqlite3.Connection, question: Question[T]) -> T:
    with schema.transaction(connection):
        return question(connection)
