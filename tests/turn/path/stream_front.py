"""In front of a TURN server: TCP or TLS that ends at one moment of the session, in one way."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

from tests.turn.path.moments import Answered, Messages, asked

ACCEPTED, SECURED = "connected", "TLS established"
_RESET = struct.pack("ii", 1, 0)
_HEAD_OF_AN_ANSWER = bytes.fromhex("0103004c2112a442")
_ALERT = 21
# A record that nobody has encrypted: who gets it answers by an alert that is encrypted well.
_SPOILT_RECORD = bytes.fromhex("1703030020") + bytes(32)


class _Session(asyncio.Protocol):
    """One client."""

    def __init__(self, front: "StreamFront") -> None:
        self._front = front
        self._up: asyncio.Transport | None = None
        self._asked, self._told, self._answered = Messages(), Messages(), Answered()
        self._over, self._early = False, b""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        self._is_secured = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._down = cast(asyncio.Transport, transport)
        self._front.sessions.append(self)
        if self._front.tls is not None:
            self._tls = self._front.tls.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._opening = asyncio.create_task(self._open())
        self._reaches(ACCEPTED)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        self._up, _ = await loop.create_connection(lambda: _Upstream(self), *self._front.target)
        self._on_data(b"")

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        if self._tls is None:
            self._on_data(data)
            return
        self._incoming.write(data)
        try:
            self._read_tls(self._tls)
        except ssl.SSLError:
            self.close()
        self._flush()

    def _read_tls(self, tls: ssl.SSLObject) -> None:
        with suppress(ssl.SSLWantReadError):
            if not self._is_secured:
                tls.do_handshake()
                self._is_secured = True
                self._flush()
                self._reaches(SECURED)
            while not self._over and (plain := tls.read(65536)):
                self._on_data(plain)

    def _on_data(self, data: bytes) -> None:
        self._early += data
        if self._up is None:
            return
        early, self._early = self._early, b""
        for message in self._asked.feed(early):
            if self._reaches(asked(message)):
                return
            self._up.write(message)

    def told(self, data: bytes) -> None:
        """What the server sends."""
        for message in self._told.feed(data):
            if self._over:
                return
            self._send(message)
            self._reaches(self._answered.moment(message))

    def _send(self, data: bytes) -> None:
        if self._tls is None:
            self._down.write(data)
        else:
            self._tls.write(data)
            self._flush()

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._down.write(data)

    def _reaches(self, moment: str) -> bool:
        if moment != self._front.moment or self._over:
            return False
        self._over = True
        name, _, number = self._front.ends.partition(" ")
        getattr(self, f"_{name.replace('-', '_')}")(*([int(number)] if number else []))
        return True

    def _close(self) -> None:
        """In order: close_notify, where there is TLS, then FIN."""
        self._notify()
        self._down.close()

    def _fin(self) -> None:
        """FIN alone, as a process that is killed."""
        self._down.close()

    def _half(self) -> None:
        """FIN, while it goes on to read."""
        self._down.write_eof()

    def _reset(self) -> None:
        """RST."""
        sock = self._down.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._down.abort()

    def _silence(self) -> None:
        """Nothing any more, and the connection stays."""

    def _part(self) -> None:
        """The head of an answer, then the end."""
        self._send(_HEAD_OF_AN_ANSWER)
        self._close()

    def _notify(self) -> None:
        """close_notify alone."""
        if self._tls is not None and self._is_secured:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self._flush()

    def _fatal(self) -> None:
        """A fatal alert (bad_record_mac), encrypted as it has to be, then the end."""
        assert self._tls is not None
        self._incoming.write(_SPOILT_RECORD)
        with suppress(ssl.SSLError):
            self._tls.read(1)
        self._flush()
        self._down.close()

    def _alert(self, number: int) -> None:
        """This alert in the clear, then the end."""
        self._down.write(struct.pack("!BHHBB", _ALERT, 0x0303, 2, 2, number))
        self._down.close()

    def _warning(self, number: int) -> None:
        """A warning in the clear; then nothing any more."""
        self._down.write(struct.pack("!BHHBB", _ALERT, 0x0303, 2, 1, number))

    def _garbage(self) -> None:
        """Bytes that are no TLS and no STUN."""
        self._down.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self._down.close()

    def close(self) -> None:
        """End both connections."""
        self._over = True
        self._opening.cancel()
        self._down.abort()
        if self._up is not None:
            self._up.abort()


class _Upstream(asyncio.Protocol):
    def __init__(self, session: _Session) -> None:
        self._session = session

    def data_received(self, data: bytes) -> None:
        self._session.told(data)


class StreamFront:
    """Each session ``ends`` in its way at this ``moment``; see the methods of a session."""

    def __init__(
        self, target: tuple[str, int], moment: str, ends: str, tls: ssl.SSLContext | None
    ) -> None:
        self.target, self.moment, self.ends, self.tls = target, moment, ends, tls
        self.sessions: list[_Session] = []


@asynccontextmanager
async def stream_front(
    target: tuple[str, int], moment: str, ends: str, tls: ssl.SSLContext | None
) -> AsyncIterator[int]:
    """The port of a front."""
    front = StreamFront(target, moment, ends, tls)
    server = await asyncio.get_running_loop().create_server(lambda: _Session(front), target[0], 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for session in front.sessions:
            session.close()
