"""Queues of entries and changes from the event loop to the thread that writes them."""

import sqlite3
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from itertools import islice
from threading import Lock

from probe.history.model import ResultRow


class WriteQueue:
    """A queue that never blocks: when it is full, its oldest entry is lost, and counted.

    Both sides may call it at any time. What was taken counts as waiting until it is done
    or put back.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: deque[ResultRow] = deque()
        self._taken = 0
        self._lock = Lock()
        self.lost = 0

    def __len__(self) -> int:
        return len(self._entries) + self._taken

    def add(self, entry: ResultRow) -> None:
        """Add an entry."""
        with self._lock:
            self._entries.append(entry)
            self._keep_within()

    def next_batch(self, most: int) -> tuple[ResultRow, ...]:
        """The oldest entries, at most so many."""
        with self._lock:
            taken = tuple(islice(self._entries, most))
            for _ in taken:
                self._entries.popleft()
            self._taken += len(taken)
            return taken

    def put_back(self, entries: Sequence[ResultRow]) -> None:
        """A batch could not be written: put it back in front."""
        with self._lock:
            self._taken -= len(entries)
            self._entries.extendleft(reversed(entries))
            self._keep_within()

    def done(self, entries: Sequence[ResultRow], *, lost: int = 0) -> None:
        """A batch is done; ``lost`` of its entries were not written."""
        with self._lock:
            self._taken -= len(entries)
            self.lost += lost

    def discard(self) -> int:
        """Discard the queue; returns how many entries that were."""
        with self._lock:
            count = len(self._entries)
            self._entries.clear()
            self.lost += count
            return count

    def _keep_within(self) -> None:
        while self._entries and len(self) > self._most:
            self._entries.popleft()
            self.lost += 1


Change = Callable[[sqlite3.Connection], object]


class ChangeQueue:
    """Changes of what is not a result; a later one of the same key takes the place of an earlier
    one. When it is full, the oldest is lost, and counted.

    Both sides may call it at any time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._changes: dict[Hashable, Change] = {}
        self._lock = Lock()
        self.lost = 0

    def __len__(self) -> int:
        return len(self._changes)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._changes

    def add(self, key: Hashable, change: Change) -> None:
        """Add a change, behind those that wait."""
        with self._lock:
            self._changes.pop(key, None)
            self._changes[key] = change
            while len(self._changes) > self._most:
                del self._changes[next(iter(self._changes))]
                self.lost += 1

    def all(self) -> list[tuple[Hashable, Change]]:
        """All that wait, the oldest first; they go on waiting until they are done."""
        with self._lock:
            return list(self._changes.items())

    def done(self, changes: Sequence[tuple[Hashable, Change]]) -> None:
        """These are written; one that was replaced meanwhile goes on waiting."""
        with self._lock:
            for key, change in changes:
                if self._changes.get(key) is change:
                    del self._changes[key]
