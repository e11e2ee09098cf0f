"""The last answered check and echo of an established call, and how they came back."""

import asyncio
from collections.abc import Callable

from msgspec import Struct


class LivenessLog:
    """When something last left and came back, on the path and over the data channel.

    Each is a pair of moments of one clock, zeros before there was one.
    """

    def __init__(self) -> None:
        self.path: tuple[float, float] = (0.0, 0.0)
        self.data: tuple[float, float] = (0.0, 0.0)
        self._changed = asyncio.Event()

    def on_path(self, left: float, back: float) -> None:
        """A check was answered."""
        self.path = (left, back)
        self._changed.set()

    def on_data(self, left: float, back: float) -> None:
        """A message was echoed."""
        self.data = (left, back)
        self._changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, looked at whenever something came back."""
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    async def next_on_path(self, began: float, ended: float) -> float:
        """When a check that left after ``began`` was answered after ``ended``."""
        await self.until(lambda: self.path[0] >= began and self.path[1] >= ended)
        return self.path[1]

    async def next_data(self, began: float, ended: float) -> float:
        """When a message that left after ``began`` was back after ``ended``."""
        await self.until(lambda: self.data[0] >= began and self.data[1] >= ended)
        return self.data[1]


class CallRecovery(Struct, frozen=True):
    """How a call came back, in seconds from the end of the disruption and from its beginning.

    ``path`` is where media flow again, ``data`` the data channel, which waits for SCTP's
    timer. ``noticed``: from the beginning until the call knew; None where it never did, and
    was restarted 0 times.
    """

    path: float
    path_out: float
    data: float
    data_out: float
    restarts: int
    noticed: float | None
