"""How many connections there may be, and for how long."""

from enum import IntEnum

from msgspec import Struct

from probe.core.resources import descriptor_limit


class ConnectionLimits(Struct, frozen=True):
    """How many connections at once, and seconds."""

    connections: int
    header: float = 5.0
    idle: float = 30.0
    request: float = 15.0
    stream: float = 60.0
    # A scrape's timeout counts up to 120 s there.
    probe: float = 135.0

    @classmethod
    def of_process(cls) -> "ConnectionLimits":
        """Three quarters of the process' descriptors are for its checks."""
        return cls(connections=max(16, min(256, descriptor_limit() // 4)))

    @property
    def accepts(self) -> int:
        """How many connections are taken in one turn of the event loop: each one costs a tenth of a
        millisecond, and a request that has arrived waits for the end of several turns."""
        return max(4, min(self.connections // 4, 16))

    @property
    def sweep(self) -> float:
        """How often connections that take too long are looked for, in seconds."""
        return min(0.25, *(each / 4 for each in (self.header, self.idle, self.request)))


GRACE_SECONDS = 1.0
"""For so long a connection may be silent, or in the middle of a header, without being slow."""


class ConnectionState(IntEnum):
    """What a connection is doing."""

    SILENT = 0
    IDLE = 1
    STREAM = 2
    HEADER = 3
    REQUEST = 4
