"""A TCP or TLS connection whose bytes are read in small slices.

asyncio's transports read up to 256 KiB at once and hand them over in one go: a target that
floods then stops the loop, and the measurements of other checks with it. Here each read takes
a slice of the connection's pace and gives the loop a turn first, for TLS as well.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from socket import IPPROTO_TCP, MSG_PEEK, SO_ERROR, SOL_SOCKET, TCP_NODELAY
from socket import socket as Socket

from probe.net.flow.pace import FIRST_SLICE, TURN, ReadPace
from probe.net.flow.tls_records import MAX_HANDSHAKE, HandshakeFlood, RecordBudget

# Bytes of a handshake that are read at once: a certificate and its issuer are in them.
_FLIGHT = 4096


class Stream:
    """A connected, non-blocking socket. ``received`` counts the bytes read."""

    def __init__(self, sock: Socket) -> None:
        self.received, self._handed, self._busy = 0, 0.0, 0.0
        self._pace = ReadPace()
        self._socket, self._descriptor = sock, sock.fileno()
        self._loop = asyncio.get_running_loop()
        self._writing, self._unsent = asyncio.Lock(), b""
        self._closed = self._was_ready = self._waits = False

    @property
    def is_closed(self) -> bool:
        """Whether this side has closed it."""
        return self._closed

    @property
    def is_idle(self) -> bool:
        """Whether it is open and nothing waits to be read, its end included."""
        try:
            self._socket.recv(1, MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:  # closed, here or there
            return False
        return False

    @property
    def alpn(self) -> str | None:
        """The protocol that ALPN chose (RFC 7301)."""
        return None

    async def read(self, *, at_once: bool = True) -> bytes:
        """The next bytes, a slice at most; empty at the end. Raises OSError.

        ``at_once`` says that nothing was awaited since the last read, so that all CPU since then
        went into what it gave. Who does await (a session) rests on its own account.
        """
        return await self._receive(at_once=at_once)

    async def write(self, data: bytes) -> None:
        """Send all of it, behind what is being sent. Raises OSError."""
        if not self._unsent and not self._writing.locked():
            # Mostly all of it goes at once, and nothing has to wait.
            data = self._sent_now(data)
        if data:
            self._unsent += data
            async with self._writing:
                # Whoever comes first sends what the others behind it have.
                waiting, self._unsent = self._unsent, b""
                await self._send(waiting)

    def close(self) -> None:
        """End the connection at once."""
        if self._closed:
            return
        self._closed = True
        if self._waits:
            # Before the descriptor is free for another socket.
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)
        self._socket.close()

    async def _receive(self, *, at_once: bool) -> bytes:
        if self._was_ready:
            # A socket that always has data would otherwise never let anything else run.
            pause = self._pace.charge(self._since_handed() if at_once else 0.0, is_full=True)
            await self._rest(pause)
        else:
            await self._until_ready(writing=False)
        while True:
            try:
                size = self._pace.slice
                data = self._socket.recv(size)
            except (BlockingIOError, InterruptedError):
                self._was_ready = False
                await self._until_ready(writing=False)
            else:
                # What fills less than a slice was all that was there.
                self._was_ready = len(data) == size
                self.received += len(data)
                self._begin_turn()
                return data

    async def yield_if_busy(self) -> None:
        """Give the loop a turn where what came takes more than one to handle."""
        busy = self._since_handed()
        if self._busy > TURN:
            await self._rest(self._pace.charge(busy, is_full=False))

    def _begin_turn(self) -> None:
        self._handed, self._busy = time.thread_time(), 0.0

    def _since_handed(self) -> float:
        """CPU seconds since the last call of this method or of ``_begin_turn``."""
        now = time.thread_time()
        busy, self._handed = now - self._handed, now
        self._busy += busy
        return busy

    async def _rest(self, pause: float) -> None:
        """A turn for the others; a longer one after what took long to handle."""
        await asyncio.sleep(pause)
        self._begin_turn()

    def _sent_now(self, data: bytes) -> bytes:
        try:
            return data[self._socket.send(data) :]
        except (BlockingIOError, InterruptedError):
            return data

    async def _send(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except (BlockingIOError, InterruptedError):
                await self._until_ready(writing=True)

    async def _until_ready(self, *, writing: bool) -> None:
        self._waits = True
        try:
            await _until_ready(
                self._loop, self._descriptor, writing=writing, gone=lambda: self._closed
            )
        finally:
            self._waits = False


async def connect_one(sock: Socket, address: tuple[str, int]) -> Socket:
    """A connected socket without a race; this one is closed where it raises OSError."""
    try:
        if sock.gettimeout() != 0.0:
            sock.setblocking(False)
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        try:
            sock.connect(address)
        except (BlockingIOError, InterruptedError):
            loop = asyncio.get_running_loop()
            await _until_ready(loop, sock.fileno(), writing=True, gone=lambda: False)
            if code := sock.getsockopt(SOL_SOCKET, SO_ERROR):
                raise OSError(code, f"Connect call failed {address}") from None
    except BaseException:
        sock.close()
        raise
    return sock


async def _until_ready(
    loop: asyncio.AbstractEventLoop,
    descriptor: int,
    *,
    writing: bool,
    gone: Callable[[], bool],
) -> None:
    """``gone`` says whether it was closed meanwhile: its number may be another's by then."""
    ready = loop.create_future()
    add, remove = (
        (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    )
    add(descriptor, _set, ready)
    try:
        await ready
    finally:
        if not gone():
            remove(descriptor)


def _set(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


class TlsStream(Stream):
    """The same over TLS. ``handshake`` first."""

    def __init__(self, sock: Socket, context: ssl.SSLContext, server_name: str) -> None:
        super().__init__(sock)
        self._budget = RecordBudget()
        # A record of 16 KiB is decrypted as a whole: what is in it has slices of its own.
        self._content_pace, self._last_content = ReadPace(FIRST_SLICE // 2), 0
        self._pace.slice = _FLIGHT
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.connection = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_name
        )

    @property
    def is_idle(self) -> bool:
        is_read = not (self._incoming.pending or self._incoming.eof or self.connection.pending())
        return is_read and super().is_idle

    @property
    def alpn(self) -> str | None:
        return self.connection.selected_alpn_protocol()

    async def handshake(self) -> None:
        """Shake hands and verify. Raises ssl.SSLError, OSError (HandshakeFlood is one).

        The client's last message leaves with what is written next, or before something is read.
        """
        while True:
            try:
                self.connection.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                self._budget.consume(await self._feed(at_once=True))
                if self.received > MAX_HANDSHAKE:
                    raise HandshakeFlood from None
            except ssl.SSLError:
                with suppress(OSError):
                    await self._flush()  # the alert that says why
                raise
            else:
                self._budget.begin()
                self._pace.slice = FIRST_SLICE
                return

    async def read(self, *, at_once: bool = True) -> bytes:
        if self._last_content and at_once:
            await self._take_turn()
        while True:
            if not (self._incoming.pending or self._incoming.eof or self.connection.pending()):
                # OpenSSL would only say that it wants more.
                await self._feed_more(at_once=at_once)
            try:
                content = self.connection.read(self._content_pace.slice)
            except ssl.SSLWantReadError:
                await self._feed_more(at_once=at_once)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            else:
                self._budget.credit(len(content))
                self._last_content = len(content)
                return content

    async def write(self, data: bytes) -> None:
        self.connection.write(data)
        await self._flush()

    def close(self) -> None:
        if not self._closed:
            with suppress(OSError):  # close_notify, as far as it goes without waiting
                self.connection.unwrap()
            with suppress(OSError):
                self._socket.send(self._outgoing.read())
        super().close()

    async def _take_turn(self) -> None:
        """Of what is decrypted already, no more than a turn's worth is handled in one."""
        is_full = self._last_content == self._content_pace.slice
        pause = self._content_pace.charge(self._since_handed(), is_full=is_full)
        if pause or self._busy > TURN / 2:
            await self._rest(pause)

    async def _feed_more(self, *, at_once: bool) -> None:
        self._last_content = 0
        if self._outgoing.pending:
            await self._flush()  # a key update is answered
        self._budget.check()
        self._budget.consume(await self._feed(at_once=at_once))

    async def _feed(self, *, at_once: bool) -> bytes:
        data = await self._receive(at_once=at_once)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return data

    async def _flush(self) -> None:
        await super().write(self._outgoing.read())
