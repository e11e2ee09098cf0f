"""The packets that a relay path is measured with."""

import hashlib
import os
import struct

from msgspec import Struct

ECHO_BYTES = 160  # 20 ms of G.711 audio, a packet as calls send them
ECHO_SIZES = (160, 161, 162, 163)
"""Every residue of 4: a relay that pads wrongly harms three of four packets."""
LARGE_BYTES = 1200
"""As large as a browser's video packets, and its first datagram of DTLS."""
HELLO, ECHO, REPLY, LARGE, LARGE_REPLY = range(5)

_HEAD = struct.Struct("!8sBIH")


class Packet(Struct, frozen=True):
    """What arrived: its kind (None for a packet that isn't of this run), number, announced size,
    and whether its bytes are those that were sent."""

    kind: int | None
    number: int = 0
    size: int = 0
    intact: bool = True


class Packets:
    """Packets of one run, distinguished from others by eight random bytes."""

    def __init__(self) -> None:
        self._run = os.urandom(8)

    def make(self, kind: int, number: int, size: int = ECHO_BYTES) -> bytes:
        """A packet of a kind, with a number; its other bytes follow from those."""
        head = _HEAD.pack(self._run, kind, number, size)
        return head + hashlib.shake_128(head).digest(size - len(head))

    def read(self, data: bytes) -> Packet:
        """What a packet says. Relayed ports have had other users, whose packets may still come."""
        if len(data) < _HEAD.size:
            return Packet(None)
        run, kind, number, size = _HEAD.unpack_from(data)
        if run != self._run or size < _HEAD.size:
            return Packet(None)
        return Packet(kind, number, size, data == self.make(kind, number, size))
