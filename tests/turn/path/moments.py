"""The moments of a TURN session, as somebody sees them who forwards its messages."""

import itertools
import struct
from collections.abc import Iterator

from tests.turn.path.checks import USERNAME, attributes_of

_METHODS = {0x003: "Allocate", 0x004: "Refresh", 0x008: "CreatePermission", 0x009: "ChannelBind"}
_DATA_INDICATION = 0x0017


def asked(message: bytes) -> str:
    """The moment in which this request comes; empty for what is none."""
    kind = int.from_bytes(message[:2], "big")
    name = _METHODS.get(kind, "")
    if name == "Allocate" and USERNAME not in attributes_of(message):
        name = "first Allocate"
    return f"{name} asked" if name else ""


class Answered:
    """The moments behind what a server sends to one client."""

    def __init__(self) -> None:
        self._relayed = itertools.count(1)

    def moment(self, message: bytes) -> str:
        """The moment behind this one; empty for none."""
        kind = int.from_bytes(message[:2], "big")
        if kind & 0xC000 or kind == _DATA_INDICATION:
            return f"relayed {next(self._relayed)}"
        name = _METHODS.get(kind & ~0x110, "")
        if name == "Allocate" and kind & 0x10:
            name = "first Allocate"
        return f"{name} answered" if name else ""


class Messages:
    """Cuts one direction of a stream into messages."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Those that are complete now."""
        self._buffer += data
        while len(self._buffer) >= 4:
            (length,) = struct.unpack_from("!H", self._buffer, 2)
            size = 4 + length + -length % 4 if self._buffer[0] & 0xC0 else 20 + length
            if len(self._buffer) < size:
                return
            yield self._buffer[:size]
            self._buffer = self._buffer[size:]
