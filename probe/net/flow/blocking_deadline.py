"""An overall deadline for a client that blocks in a thread of its own (urllib, urllib3).

Their timeouts are for each read of a socket: a server that sends a byte every few seconds, or
``100 Continue`` without end, holds the thread for as long as it likes.
"""

import contextvars
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

# How often sockets are looked for that came up after the deadline, in seconds.
_AGAIN = 0.25


class BlockingConnection(Protocol):
    """What http.client and urllib3 have: its socket, None while there is none."""

    sock: socket.socket | None


class BlockingDeadline:
    """``with BlockingDeadline(seconds):`` every connection that is given to :func:`watch` inside
    is shut down once so many seconds are over, so that whoever reads from it gets an error or an
    end; ``passed`` says so.

    A handshake of TLS and a lookup have time limits of their own, which count beside this one.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._watched: list[BlockingConnection] = []
        # A connection that is closed lets go of its socket, which an answer may still read.
        self._sockets: list[socket.socket] = []
        self._done = threading.Event()
        self._token: contextvars.Token[BlockingDeadline | None] | None = None
        self.passed = False

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        threading.Thread(target=self._guard, name="deadline", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        if self._token is not None:
            _current.reset(self._token)

    def add(self, connection: BlockingConnection) -> None:
        """Shut this one down, too. Raises TimeoutError after the deadline."""
        with self._lock:
            if self.passed:
                raise TimeoutError
            if connection not in self._watched:
                self._watched.append(connection)
            if connection.sock is not None:
                self._sockets.append(connection.sock)

    def _guard(self) -> None:
        left = self._seconds
        while not self._done.wait(left):
            with self._lock:
                self.passed, left = True, _AGAIN
                found = [each.sock for each in self._watched if each.sock is not None]
                found += self._sockets
            for each in found:
                with suppress(OSError):
                    # An SSLSocket's own would change its state under its reader.
                    socket.socket.shutdown(each, socket.SHUT_RDWR)


_current: contextvars.ContextVar[BlockingDeadline | None] = contextvars.ContextVar(
    "blocking deadline", default=None
)


def watch(connection: BlockingConnection) -> None:
    """Have the deadline of this thread, if there is one, end a connection: to be called before
    and after it connects. Raises TimeoutError after the deadline."""
    deadline = _current.get()
    if deadline is not None:
        deadline.add(connection)
