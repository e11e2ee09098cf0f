"""What DTLS and SCTP send while a call is set up, and whether a timer had to send it.

Neither OpenSSL nor aiortc tells of retransmissions. But in a handshake a packet leaves
either at its start or because one has come; one that leaves out of a silence of both was
sent by a timer: DTLS waits 1 s (RFC 6347 section 4.2.4.1), SCTP 1 s or longer (RFC 9260
section 6.3.1), and no machine needs that long to answer what it has got.
"""

import time

from probe.rtc.ice import Ice

SILENCE = 0.4  # seconds


class WatchedTransport:
    """An ICE transport between DTLS and the network, counting what timers send again."""

    def __init__(self, ice: Ice) -> None:
        self._ice = ice
        self.retransmissions = 0
        self._active: float | None = None

    @property
    def role(self) -> str:
        """``controlling`` or ``controlled``."""
        return self._ice.role

    def begin(self) -> None:
        """The handshake begins now."""
        self._active = time.monotonic()

    def end(self) -> None:
        """From here on packets leave when somebody has something to say."""
        self._active = None

    async def _recv(self) -> bytes:
        data = await self._ice._recv()
        self._stir()
        return data

    async def _send(self, data: bytes) -> None:
        if self._active is not None and time.monotonic() - self._active >= SILENCE:
            self.retransmissions += 1
        self._stir()
        await self._ice._send(data)

    def _stir(self) -> None:
        if self._active is not None:
            self._active = time.monotonic()
