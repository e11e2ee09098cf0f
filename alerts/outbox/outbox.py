"""Pending notifications and the states of alerts, kept on disk.

A transition and its messages are stored in one transaction; a message leaves the outbox
only after its notifier has accepted it. All is kept in memory and, where there is a folder, in a
file that follows it: a disk that fails or hangs delays nothing by more than 2 s, and
:attr:`Outbox.state` says so. Another process may open the same file at the same time, to add
a silence. Next to it, a journal says what is open at which receiver.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from alerts.model import Delivery, Silence
from alerts.outbox import queries, silence_queries
from alerts.outbox.incident_log import IncidentLog
from alerts.outbox.kept_tables import KeptTables
from alerts.outbox.late_rows import late_rows, merger
from alerts.outbox.outbox_state import OutboxState
from alerts.outbox.schema import FILE, SCHEMA
from alerts.outbox.stored_times import STEP_SECONDS, ClockReading, EarlierClocks, StoredClock
from probe.storage.replica import Loaded, Replica, Runner
from probe.storage.thread import StorageThread

NO_FOLDER = "no data folder is configured"
# How long a file that was set aside is worth mentioning.
NOTICE_SECONDS = 86400.0

logger = logging.getLogger(__name__)


class Outbox:
    """A durable queue; :meth:`open` makes one. Disk errors are not raised."""

    def __init__(
        self,
        now: Callable[[], float],
        replica: Replica | None,
        incidents: IncidentLog | None,
        reading: Callable[[], ClockReading],
    ) -> None:
        self._now, self._replica, self._reading = now, replica, reading
        self._incidents = incidents
        self._tables = KeptTables(replica, lambda: incidents.number if incidents else 0)
        self._loaded = Loaded()
        self._opened_at, self._step, self._has_late = now(), 0.0, False
        # Of when the newest message is that a receiver took while the file could not be read.
        self._sent: dict[tuple[str, str], float] = {}

    @classmethod
    async def open(
        cls,
        folder: Path | None,
        *,
        now: Callable[[], float] = time.time,
        journals: Sequence[Path] = (),
        reading: Callable[[], ClockReading] | None = None,
        thread: Callable[[str], Runner] = StorageThread,
    ) -> "Outbox":
        """The outbox in ``folder``, or in memory if that is None or can't be used.

        ``now`` is the wall clock, ``reading`` the clock of times that are stored; what an earlier
        process stored by another clock is moved. ``journals`` are the folders of the journal of
        open incidents; only one process at a time may have it.
        """
        read = reading or StoredClock(now, now)
        replica = None
        if folder is not None:
            shared = frozenset({"silences"})
            merged = merger(read)
            replica = Replica(folder / FILE, SCHEMA, thread("outbox"), now, shared, merged)
        outbox = cls(now, replica, IncidentLog(journals, thread, read) if journals else None, read)
        await outbox._load()
        return outbox

    @property
    def state(self) -> OutboxState:
        """As it is now."""
        waiting, oldest, refused = self._tables.counts
        replica = self._replica
        problem = NO_FOLDER if replica is None else replica.problem
        fresh = abs(self._now() - self._opened_at) < NOTICE_SECONDS
        return OutboxState(
            persistent=not problem,
            problem=problem or (self._incidents.problem if self._incidents else ""),
            waiting=waiting,
            oldest=oldest,
            refused=refused,
            notice=self._loaded.notice if fresh else "",
            stalled_for=replica.stalled_for if replica else 0.0,
        )

    @property
    def incidents(self) -> IncidentLog | None:
        """What is open at which receiver, by the journal; None where there is none."""
        return self._incidents

    @property
    def journal_is_whole(self) -> bool:
        """Whether the journal alone says what is open: all of it was read, and it is written."""
        journal = self._incidents
        return journal is not None and journal.is_complete and not journal.problem

    @property
    def was_damaged(self) -> bool:
        """Whether something of what was kept could not be read when it was opened."""
        return self._loaded.lost or bool(self._loaded.invalid) or not self.state.persistent

    @property
    def has_lost_all(self) -> bool:
        """Whether nothing is left of what was kept, the journal included."""
        journal, rows = self._incidents, [*chain.from_iterable(self._loaded.tables.values())]
        if (journal and journal.was_found) or any(row[0] != queries.CLOCK for row in rows):
            return False
        return self.was_damaged or (journal is not None and journal.is_lost and not rows)

    async def commit(
        self, states: Mapping[str, str | None], deliveries: Sequence[Delivery] = ()
    ) -> None:
        """Store states and append deliveries, both or neither.

        ``states`` maps an identity to its document, None deletes it.
        """
        reading = self._reading()
        numbered = self._tables.in_memory(
            lambda db: queries.commit(db, states, deliveries, reading)
        )
        await self._tables.on_disk(lambda db: queries.commit(db, states, numbered, reading))

    async def note_clock(self) -> None:
        """If the wall clock was set, store by how much: a reboot would hide it."""
        step = self._reading().step
        if abs(step - self._step) > STEP_SECONDS:
            self._step = step
            await self.commit({})
            if self._incidents is not None:
                await self._incidents.start()

    def had_late(self) -> bool:
        """Whether something was found since the last call that was unreadable at the start."""
        had, self._has_late = self._has_late, False
        return had

    async def states(self) -> dict[str, str]:
        """The stored document of every identity."""
        return self._tables.read(queries.states)

    async def waiting(self, notifier: str | None = None) -> list[Delivery]:
        """All that are not delivered yet, in their order; of one notifier or of all."""
        return self._tables.read(lambda db: queries.waiting(db, notifier))

    def waiting_now(self) -> list[Delivery]:
        """All that :meth:`waiting` gives, at once."""
        return (
            self._tables.read(partial(queries.waiting, notifier=None))
            if self._tables.is_open
            else []
        )

    async def memory(self, notifier: str, key: str) -> dict[str, str]:
        """What a notifier wanted to remember of a key; empty if nothing."""
        return self._tables.read(lambda db: queries.memory(db, notifier, key))

    async def remember(self, notifier: str, key: str, memory: Mapping[str, str]) -> None:
        """What the journal knows that a notifier wanted to remember of a key."""
        await self._tables.change(lambda db: queries.remember(db, notifier, key, memory))

    async def begin(self, delivery: Delivery) -> Delivery:
        """Count an attempt that is about to be made, not one that was: a process that is killed
        while it sends must know later that the message may have been received."""
        if self._incidents is not None:
            await self._incidents.begun(delivery)
        return await self._tables.change(lambda db: queries.begin(db, delivery))

    async def delivered(self, delivery: Delivery, memory: Mapping[str, str]) -> None:
        """It was delivered: remove it and keep ``memory`` for the key's next message.

        A key that is resolved is forgotten.
        """
        if self._incidents is not None:
            await self._incidents.taken(delivery, memory)
        if self._replica is not None and not self._replica.was_read:
            self._sent[delivery.notifier, delivery.message.key] = delivery.message.at
        await self._tables.change(lambda db: queries.delivered(db, delivery, memory))

    async def failed(self, delivery: Delivery, error: str, due: float) -> None:
        """It was not delivered; the next attempt is due at ``due`` (seconds since 1970)."""
        await self._tables.change(lambda db: queries.failed(db, delivery, error, due))

    async def dead_letter(self, delivery: Delivery, error: str) -> None:
        """It will never be delivered: move it to the refused ones, the last 50 of which stay."""
        if self._incidents is not None:
            await self._incidents.refused(delivery)
        await self._tables.change(lambda db: queries.dead_letter(db, delivery, error))

    async def refused(self) -> list[Delivery]:
        """The last ones that were refused for good, oldest first."""
        return self._tables.read(queries.refused)

    async def withdraw(self, notifier: str, key: str, last: int | None = None) -> None:
        """Remove what waits for a notifier under a key, up to a ``last`` number if there is one:
        another probe sends it."""
        await self._tables.change(lambda db: queries.withdraw(db, notifier, key, last))

    async def replace(self, old: Sequence[Delivery], new: Delivery | None) -> None:
        """Put ``new`` into the place of the first of ``old`` and remove the others."""
        await self._tables.change(lambda db: queries.replace(db, old, new))

    async def silences(self, now: float) -> list[Silence]:
        """Those that have not ended by ``now``, also those that have yet to begin.

        Other processes add them to the file; where that can't be read, those that are known. What
        was seen to end stays over, also when ``now`` is earlier later on.
        """
        if self._incidents is not None:
            self._has_late |= await self._incidents.catch_up()
        rows = None
        if self._replica is not None:
            await self._replica.catch_up(self._tables.snapshot)
            await self._take_late()
            rows = await self._replica.query(silence_queries.silence_rows)
            if rows is not None:
                self._tables.in_memory(lambda db: silence_queries.set_silences(db, rows))
        await self._note_ended(now, rows or ())
        return self._tables.read(lambda db: silence_queries.silences(db, now))

    async def _note_ended(self, now: float, stored: Sequence[silence_queries.SilenceRow]) -> None:
        """Remember what has ended by now, also in the file whose rows are ``stored``."""
        if due := self._tables.read(lambda db: silence_queries.ended_silences(db, now)):
            self._tables.in_memory(lambda db: silence_queries.note_ended(db, due))
        known = {name: ends for name, ends, _ in self._tables.read(silence_queries.silence_rows)}
        unknown = [row for row in stored if row[1] > silence_queries.ENDED == known.get(row[0])]
        if unknown:
            await self._tables.on_disk(lambda db: silence_queries.note_ended(db, unknown))

    async def add_silence(self, silence: Silence) -> bool:
        """Store a silence; one of the same name is replaced. Whether it outlives the process,
        and other processes see it."""
        self._tables.in_memory(lambda db: silence_queries.add_silence(db, silence))
        return await self._tables.on_disk(lambda db: silence_queries.add_silence(db, silence))

    async def end_silence(self, name: str, now: float) -> bool:
        """End a silence at ``now``; False if there is none of that name, or it is over."""
        await self.silences(now)
        return await self._tables.change(lambda db: silence_queries.end_silence(db, name, now))

    async def close(self) -> None:
        """Close the file after everything that was asked before; again does nothing."""
        if not self._tables.is_open:
            return
        self._tables.is_open = False
        for each in (self._incidents, self._replica):
            if each is not None:
                await each.close()
        self._tables.close()

    async def _load(self) -> None:
        if self._replica is not None:
            self._loaded = await self._replica.open()
            self._tables.add(list(self._loaded.tables.items()))
        else:
            logger.warning("alerts are kept in memory only: %s", NO_FOLDER)
        await self._adjust_times()
        if self._incidents is not None:
            for delivery in await self.waiting():
                if self._incidents.was_taken(delivery):
                    await self._tables.change(
                        partial(queries.delivered, delivery=delivery, memory={})
                    )

    async def _adjust_times(self) -> None:
        """Move what was stored by another clock: it may lie in the future otherwise."""
        now, clock = self._reading(), self._tables.read(queries.clock)
        read = await self._incidents.read() if self._incidents is not None else []
        earlier = EarlierClocks([clock, *read], now)
        step = earlier.step(clock, self._tables.read(queries.newest) if clock is None else None)
        if step:
            logger.warning("the clock was set by %+.0f s: stored times are moved", step)
        await self._tables.change(lambda db: queries.move_times(db, step, now))
        if self._incidents is not None:
            self._incidents.open(earlier, self._tables.read(queries.journal_number))

    async def _take_late(self) -> None:
        """Take up what was in a file that could not be read at the start."""
        if self._replica is not None and (late := self._replica.late):
            self._replica.late = ()
            self._tables.add(late_rows(late, self._tables.snapshot(), self._reading()))
            self._has_late = True
            sent, self._sent = self._sent, {}
            await self._tables.change(lambda db: queries.drop_overtaken(db, sent))
