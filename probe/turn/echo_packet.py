"""The packets that a relay path is measured with."""

import os
import struct

ECHO_BYTES = 160  # 20 ms of G.711 audio, a packet as calls send them
HELLO, ECHO, REPLY = range(3)

_HEAD = struct.Struct("!8sBI")


class Packets:
    """Packets of one run, told from those of others by eight bytes of chance."""

    def __init__(self) -> None:
        self._run = os.urandom(8)

    def make(self, kind: int, number: int) -> bytes:
        """A packet of a kind, with a number."""
        return _HEAD.pack(self._run, kind, number).ljust(ECHO_BYTES, b"\0")

    def read(self, data: bytes) -> tuple[int | None, int]:
        """Kind and number; the kind is None for a packet that isn't of this run.

        Relayed ports have had other users, whose packets may still arrive.
        """
        if len(data) != ECHO_BYTES:
            return None, 0
        run, kind, number = _HEAD.unpack_from(data)
        return (kind if run == self._run else None), number
