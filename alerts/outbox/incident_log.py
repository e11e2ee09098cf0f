"""Which incident is open at which receiver, in a journal apart from the outbox's database.

From the journal alone each open incident gets its resolve, and from the database alone too. A
record is written before a message is sent (its receiver may have got it, whatever happens
next) and when it was delivered, before the database forgets the message.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import Struct

from alerts.model import Alert, Delivery, MessageType
from alerts.outbox.journal_copies import JournalCopies, Records
from alerts.outbox.stored_times import (
    STEP_SECONDS,
    ClockReading,
    EarlierClocks,
    moved,
    newest_time,
    reading_of,
)
from probe.storage.journal import Contents, newest
from probe.storage.json_codec import CodecError, JsonCodec
from probe.storage.replica import Runner

# A record names at most so many alerts of an incident.
MAX_ALERTS = 50

_ALERTS = JsonCodec(tuple[Alert, ...])


class OpenIncident(Struct, frozen=True):
    """An incident that a receiver has been sent, and may have accepted; ``sent_at`` is the time of
    the last message, ``opened`` that of the first, in seconds since 1970."""

    notifier: str
    key: str
    alerts: tuple[Alert, ...]
    sent_at: float
    opened: float
    memory: Mapping[str, str]


class IncidentLog:
    """The journals in one or two folders, each written by a thread of its own. ``reading``
    is the clock of the times in them."""

    def __init__(
        self,
        folders: Sequence[Path],
        thread: Callable[[str], Runner],
        reading: Callable[[], ClockReading],
    ) -> None:
        self._reading = reading
        self._copies = JournalCopies(folders, thread)
        self._records: dict[str, dict[str, Any]] = {}
        self._found: list[Contents] = []
        self.number = self._stored_number = 0
        self._outdated: set[str] = set()
        # Whether all that is open is in here: not after damage, or where there was none; whether
        # any of it could be read; whether there was one of which nothing could.
        self.is_complete = self.was_found = self.is_lost = False

    @property
    def problem(self) -> str:
        """Why a journal can't be written, for people; empty if all can."""
        return self._copies.problem

    async def read(self) -> list[ClockReading | None]:
        """Read the journals; the clocks that were stored in them."""
        self._found = await self._copies.read()
        records = (record for each in self._found for record in each.records.values())
        return [reading_of(record.get("clock")) for record in records]

    def open(self, clocks: EarlierClocks, stored_number: int = 0) -> None:
        """Take up what was read; the newest record of each key counts. The database was written
        when the journal should have had ``stored_number`` records: of a journal that lacks the
        last ones it is not known whether what is open in it has ended."""
        found, self._found = self._found, []
        for contents in found:
            self._merge(contents, clocks)
        self.number = self._stored_number = stored_number
        is_behind = self._note_numbers(self._records)
        self.is_complete = any(each.found and each.complete for each in found) and not is_behind
        self.was_found = bool(self._records) or self.is_complete
        self.is_lost = any(each.found for each in found) and not self.was_found

    async def start(self) -> None:
        """Rewrite what is known, so that all copies are complete, and by the clock as it is."""
        clock, known = self._reading().dump(), newest(self._records)
        self._records = {key: {**each, "clock": clock} for key, each in known.items()}
        await self._copies.rewrite(self._records)

    @property
    def open_incidents(self) -> list[OpenIncident]:
        """What may be open at receivers."""
        found = (_incident(each) for each in self._records.values() if each.get("s") != "closed")
        return [each for each in found if each is not None]

    def was_taken(self, delivery: Delivery) -> bool:
        """Whether a pending message was delivered before the database could record it."""
        record = self._records.get(_key(delivery.notifier, delivery.message.key))
        taken = record is not None and record.get("taken") == delivery.message.at
        return taken and record is not None and record.get("o") == delivery.message.occasion

    def is_closed(self, notifier: str, key: str, sent_at: float) -> bool:
        """Whether an incident of which a message was sent then is over: its resolve was delivered
        later, or that message was refused, so that it never began."""
        record = self._records.get(_key(notifier, key))
        if record is None or record.get("s") != "closed":
            return False
        at = float(record["at"])
        return abs(at - sent_at) < STEP_SECONDS if _never_began(record) else at >= sent_at

    def is_open(self, notifier: str, key: str) -> bool:
        """Whether an incident may be open at a receiver."""
        record = self._records.get(_key(notifier, key))
        return record is not None and record.get("s") != "closed"

    def knows(self, notifier: str, key: str) -> bool:
        """Whether there is a record of an incident."""
        return _key(notifier, key) in self._records

    async def catch_up(self) -> bool:
        """Rewrite the journals that missed something, if they can be written again; whether
        one was found to hold something that could not be read at the start."""
        return await self._copies.catch_up(self._merge_late, lambda: self._records)

    async def begun(self, delivery: Delivery) -> None:
        """A message is about to be sent."""
        message = delivery.message
        if not message.is_of_incident or message.occasion is MessageType.RESOLVED:
            return
        key = _key(delivery.notifier, message.key)
        known: dict[str, Any] = self._records.get(key, {})
        # What was delivered before stays open.
        kept = known if known.get("s") == "open" else {}
        await self._put(
            key,
            {
                "s": "open",
                "at": message.at,
                "opened": kept.get("opened", message.at),
                "alerts": json.loads(_ALERTS.dump(message.firing[:MAX_ALERTS])),
                "memory": dict(kept.get("memory", {})),
                **{name: kept[name] for name in ("taken", "o") if name in kept},
            },
        )

    async def taken(self, delivery: Delivery, memory: Mapping[str, str]) -> None:
        """A message was delivered."""
        message = delivery.message
        if not message.is_of_incident:
            return
        key = _key(delivery.notifier, message.key)
        marks = {"taken": message.at, "o": message.occasion.value}
        if message.occasion is MessageType.RESOLVED:
            await self._put(key, {"s": "closed", "at": message.at, **marks})
        elif key in self._records:
            await self._put(key, {**self._records[key], **marks, "memory": dict(memory)})

    async def refused(self, delivery: Delivery) -> None:
        """A message was refused for good: an incident that never began is not open. A refused end
        says nothing of that, nor does a refusal of what was sent before."""
        if delivery.message.occasion is MessageType.RESOLVED or delivery.attempts > 1:
            return
        key = _key(delivery.notifier, delivery.message.key)
        record = self._records.get(key)
        if record is not None and record["s"] == "open" and "taken" not in record:
            await self._put(key, {"s": "closed", "at": delivery.message.at})

    async def adopt(self, incidents: Iterable[OpenIncident]) -> None:
        """Add what is open according to the database."""
        for each in incidents:
            key = _key(each.notifier, each.key)
            self.number += 1
            self._records[key] = {
                "k": key,
                "n": self.number,
                "clock": self._reading().dump(),
                "s": "open",
                "at": each.sent_at,
                "opened": each.opened,
                "taken": each.sent_at,
                "alerts": json.loads(_ALERTS.dump(each.alerts[:MAX_ALERTS])),
                "memory": dict(each.memory),
            }

    def forget(self, incidents: Iterable[OpenIncident]) -> None:
        """These are over, as the database knows."""
        for each in incidents:
            key = _key(each.notifier, each.key)
            self.number += 1
            closed = {"s": "closed", "at": each.sent_at, "taken": each.sent_at}
            clock = self._reading().dump()
            self._records[key] = {"k": key, "n": self.number, "clock": clock, **closed}

    def is_outdated(self, notifier: str, key: str) -> bool:
        """Whether the database was written after a record that the journal lacks, and may know
        that an incident is over which is open here."""
        return _key(notifier, key) in self._outdated

    async def close(self) -> None:
        """Close the files."""
        await self._copies.close()

    def _merge_late(self, contents: Contents) -> bool:
        """Add what this process has no record of, or knows no more of than a refusal."""
        own = self._records
        late = {k: r for k, r in contents.records.items() if k not in own or _never_began(own[k])}
        late = {k: r for k, r in late.items() if k not in own or r.get("s") != "closed"}
        for key in late:
            own.pop(key, None)
        clocks = [reading_of(each.get("clock")) for each in late.values()]
        self._merge(replace(contents, records=late), EarlierClocks(clocks, self._reading()))
        self._note_numbers(contents.records, late)
        return bool(late)

    def _note_numbers(self, found: Records, taken: Collection[str] | None = None) -> bool:
        """Go on counting after what was found, of which some was taken up; whether it lacks the
        last records."""
        last = max((record["n"] for record in found.values()), default=0)
        is_behind = last < self._stored_number
        self._outdated |= set(found if taken is None else taken) if is_behind else set()
        self.number = max(last, self.number)
        return is_behind

    def _merge(self, contents: Contents, clocks: EarlierClocks) -> None:
        for key, record in contents.records.items():
            known = self._records.get(key)
            if known is None or known["n"] < record["n"]:
                clock = reading_of(record.get("clock"))
                step = clocks.step(clock, newest_time([json.dumps(record)]))
                self._records[key] = {**moved(record, step), "clock": self._reading().dump()}

    async def _put(self, key: str, record: dict[str, Any]) -> None:
        self.number += 1
        record = {**record, "k": key, "n": self.number, "clock": self._reading().dump()}
        self._records[key] = record
        self._outdated.discard(key)
        if len(self._records) > 4 * MAX_ALERTS:
            self._records = {each: dict(kept) for each, kept in newest(self._records).items()}
        await self._copies.append(record, dict(self._records))


def _never_began(record: Mapping[str, Any]) -> bool:
    """Whether all that is known of an incident is that its messages were refused."""
    return record.get("s") == "closed" and "taken" not in record


def _key(notifier: str, key: str) -> str:
    return json.dumps([notifier, key])


def _incident(record: Mapping[str, Any]) -> OpenIncident | None:
    try:
        notifier, key = json.loads(record["k"])
        return OpenIncident(
            notifier=str(notifier),
            key=str(key),
            alerts=_ALERTS.load(json.dumps(record["alerts"])),
            sent_at=float(record["at"]),
            opened=float(record["opened"]),
            memory={str(name): str(value) for name, value in record["memory"].items()},
        )
    except (CodecError, AttributeError, KeyError, TypeError, ValueError):
        return None
