"""Queue of entries from the event loop to the thread that writes them."""

from collections import deque
from collections.abc import Sequence
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
