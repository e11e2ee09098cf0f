"""A TCP connection whose bytes are read in small slices.

asyncio's transports read up to 256 KiB at once and hand them over in one go: a target that
floods then stops the loop, and the measurements of other checks with it. Here each read takes
a slice of the connection's pace and gives the loop a turn first.
"""

import asyncio
import time
from collections.abc import Callable
from socket import IPPROTO_TCP, MSG_PEEK, SO_ERROR, SOL_SOCKET, TCP_NODELAY
from socket import socket as Socket
from typing import Protocol

from probe.net.flow.pace import TURN, ReadPace


class ByteStream(Protocol):
    """Bytes both ways; see Stream."""

    @property
    def received(self) -> int:
        """Bytes that were read."""

    async def read(self, *, at_once: bool = True) -> bytes:
        """The next bytes; empty at the end. Raises PeerError, OSError."""

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""

    def close(self) -> None:
        """End the connection at once."""


class Stream:
    """A connected, non-blocking socket. ``received`` counts the bytes read."""

    def __init__(self, sock: Socket) -> None:
        self.received, self._handed, self._busy = 0, 0.0, 0.0
        self._pace = ReadPace()
        self._socket, self._descriptor = sock, sock.fileno()
        self._loop = asyncio.get_running_loop()
        self._writing, self._unsent = asyncio.Lock(), b""
        self._waiting: asyncio.Future[None] | None = None
        self._arrived: bytes | OSError | None = None
        self._closed = self._was_ready = self._is_watched = self._awaits_room = False

    @property
    def is_closed(self) -> bool:
        """Whether this side has closed it."""
        return self._closed

    @property
    def is_idle(self) -> bool:
        """Whether it is open and nothing waits to be read, its end included."""
        if self._arrived is not None:
            return False
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
        # Before the descriptor is free for another socket.
        self._unwatch()
        if self._awaits_room:
            self._loop.remove_writer(self._descriptor)
        self._socket.close()

    def hand_over(self) -> Socket:
        """The socket, for another stream. Nothing is left behind here unless a ``read`` was
        cancelled."""
        self._unwatch()
        return self._socket

    async def _receive(self, *, at_once: bool) -> bytes:
        if self._arrived is None and self._was_ready:
            # A socket that always has data would otherwise never let anything else run.
            pause = self._pace.charge(self._since_handed() if at_once else 0.0, is_full=True)
            await self._rest(pause)
            self._take()
        if self._arrived is None:
            await self._until_arrived()
        data, self._arrived = self._arrived, None
        if isinstance(data, OSError):
            raise data
        assert data is not None
        self.received += len(data)
        self._begin_turn()
        return data

    def _take(self) -> None:
        """What is there to be read, if anything is."""
        size = self._pace.slice
        try:
            self._arrived = self._socket.recv(size)
        except (BlockingIOError, InterruptedError):
            self._was_ready = False
        except OSError as error:
            self._arrived = error
        else:
            # What fills less than a slice was all that was there.
            self._was_ready = len(self._arrived) == size

    async def _until_arrived(self) -> None:
        """Wait for what comes, which stays here for the next one to read if this one is cancelled.

        The loop watches the descriptor from one wait to the next: to begin and end that for each
        of them takes two calls of the system where reading takes one.
        """
        self._waiting = self._loop.create_future()
        if not self._is_watched:
            self._loop.add_reader(self._descriptor, self._on_readable)
            self._is_watched = True
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _on_readable(self) -> None:
        if self._waiting is None or self._waiting.done():
            # No one waits for it: it would be reported in every turn of the loop.
            self._unwatch()
            return
        self._take()
        if self._arrived is not None:
            self._waiting.set_result(None)

    def _unwatch(self) -> None:
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._descriptor)

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
                await self._until_room()

    async def _until_room(self) -> None:
        self._awaits_room = True
        try:
            await _until_writable(self._loop, self._descriptor, gone=lambda: self._closed)
        finally:
            self._awaits_room = False


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
            await _until_writable(loop, sock.fileno(), gone=lambda: False)
            if code := sock.getsockopt(SOL_SOCKET, SO_ERROR):
                raise OSError(code, f"Connect call failed {address}") from None
    except BaseException:
        sock.close()
        raise
    return sock


async def _until_writable(
    loop: asyncio.AbstractEventLoop, descriptor: int, *, gone: Callable[[], bool]
) -> None:
    """``gone`` says whether it was closed meanwhile: its number may be another's by then."""
    ready = loop.create_future()
    loop.add_writer(descriptor, _set, ready)
    try:
        await ready
    finally:
        if not gone():
            loop.remove_writer(descriptor)


def _set(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
