"""A TCP or TLS connection whose bytes are read in small slices.

asyncio's transports read up to 256 KiB at once and hand them over in one go: a target that
floods then stops the loop, and the measurements of other checks with it. Here each read takes
at most ``SLICE`` bytes and gives the loop a turn first, for TLS as well.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from socket import socket as Socket

from probe.net.protocol.sliced_socket import (
    MOST_HANDSHAKE,
    SLICE,
    HandshakeFlood,
    RecordBudget,
    pause_after,
)


class Stream:
    """A connected, non-blocking socket. ``received`` counts the bytes read."""

    def __init__(self, sock: Socket) -> None:
        self.received, self._handed = 0, 0.0
        self._socket, self._descriptor = sock, sock.fileno()
        self._loop = asyncio.get_running_loop()
        self._writing = asyncio.Lock()
        self._closed = self._was_ready = self._waits = False

    @property
    def is_closed(self) -> bool:
        """Whether this side has closed it."""
        return self._closed

    @property
    def alpn(self) -> str | None:
        """The protocol that ALPN chose (RFC 7301)."""
        return None

    async def read(self) -> bytes:
        """The next bytes, at most ``SLICE``; empty at the end. Raises OSError."""
        return await self._receive()

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""
        if not self._writing.locked():
            # Mostly all of it goes at once, and nothing has to wait.
            data = self._sent_now(data)
        if data:
            async with self._writing:
                await self._send(data)

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

    async def _receive(self) -> bytes:
        if self._was_ready:
            # A socket that always has data would otherwise never let anything else run.
            await asyncio.sleep(self._pause())
        else:
            await self._until_ready(writing=False)
        while True:
            try:
                data = self._socket.recv(SLICE)
            except (BlockingIOError, InterruptedError):
                self._was_ready = False
                await self._until_ready(writing=False)
            else:
                # What fills less than a slice was all that was there.
                self._was_ready = len(data) == SLICE
                self.received += len(data)
                self._handed = time.thread_time()
                return data

    def _pause(self) -> float:
        return pause_after(self.received, time.thread_time() - self._handed)

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
            await until_ready(self._descriptor, writing=writing, gone=lambda: self._closed)
        finally:
            self._waits = False


async def until_ready(
    descriptor: int, *, writing: bool, gone: Callable[[], bool] = lambda: False
) -> None:
    """Wait until a socket can be read, or written. ``gone`` says whether it was closed meanwhile:
    its number may be another's by then."""
    loop = asyncio.get_running_loop()
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
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.connection = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_name
        )

    @property
    def alpn(self) -> str | None:
        return self.connection.selected_alpn_protocol()

    async def handshake(self) -> None:
        """Shake hands and verify. Raises ssl.SSLError, OSError (HandshakeFlood is one)."""
        while True:
            try:
                self.connection.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._feed()
                if self.received > MOST_HANDSHAKE:
                    raise HandshakeFlood from None
            except ssl.SSLError:
                with suppress(OSError):
                    await self._flush()  # the alert that says why
                raise
            else:
                return await self._flush()

    async def read(self) -> bytes:
        while True:
            try:
                content = self.connection.read(SLICE)
            except ssl.SSLWantReadError:
                await self._flush()  # a key update is answered
                self._budget.spend(await self._feed())
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            else:
                self._budget.earn(len(content))
                return content

    async def write(self, data: bytes) -> None:
        async with self._writing:
            self.connection.write(data)
            await self._send(self._outgoing.read())

    def close(self) -> None:
        if not self._closed:
            with suppress(OSError):  # close_notify, as far as it goes without waiting
                self.connection.unwrap()
            with suppress(OSError):
                self._socket.send(self._outgoing.read())
        super().close()

    async def _feed(self) -> int:
        data = await self._receive()
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return len(data)

    async def _flush(self) -> None:
        pending = self._outgoing.read()
        if pending:
            await self._send(pending)
