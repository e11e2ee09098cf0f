"""How much of one connection is handled in a turn of the loop, and how much of the loop it has.

Whoever reads a stream asks for at most ``slice`` bytes and says how much CPU they took. What is
dear (frames of HTTP/2 of one byte, KeyUpdates, notices) comes in smaller slices, so that one turn
of the loop takes about a millisecond whatever is sent; and whoever takes more than a quarter of
the loop rests. An honest server's 8 KiB take a tenth of a millisecond. Nothing here is a verdict.
"""

import time
from collections.abc import Callable

MAX_SLICE, MIN_SLICE, FIRST_SLICE = 8192, 256, 2048
"""Bytes of a slice; what a connection sends is not known at first."""
TURN = 0.001
"""Seconds of CPU that a slice may take."""
SHARE, CREDIT = 0.25, 0.005
"""A connection's part of the loop, and the seconds of CPU that it may take beyond it."""
MAX_PAUSE = 0.03
"""Seconds; what is owed beyond it is forgiven."""


class ReadPace:
    """The pace of one connection. ``slice`` is how many bytes to read in the next turn."""

    def __init__(
        self, first: int = FIRST_SLICE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.slice = first
        self._clock, self._charged = clock, clock()
        self._credit = CREDIT

    def charge(self, busy: float, *, is_full: bool) -> float:
        """So many seconds of CPU went into a slice; ``is_full`` if it had as many bytes as were
        asked for. Returns the seconds to rest before the next one."""
        if busy > TURN:
            self.slice = max(MIN_SLICE, int(self.slice * TURN / busy))
        elif is_full and busy < TURN / 4:
            self.slice = min(MAX_SLICE, 2 * self.slice)
        now = self._clock()
        self._credit = min(CREDIT, self._credit + SHARE * (now - self._charged)) - busy
        self._charged = now
        if self._credit >= 0:
            return 0.0
        pause = min(-self._credit / SHARE, MAX_PAUSE)
        self._credit = max(self._credit, -SHARE * MAX_PAUSE)
        return pause
