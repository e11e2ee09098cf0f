"""An overall deadline for a client that blocks in a thread of its own (http.client, urllib).

Their timeouts are for each address and for each read of a socket: a name with many dead addresses,
a server that sends a byte every few seconds, or ``100 Continue`` without end, holds the thread for
as long as it likes.
"""

import contextvars
import socket
import threading
import time
from contextlib import suppress
from typing import Self


class BlockingDeadline:
    """``with BlockingDeadline(seconds):`` whatever is connected inside
    (:mod:`probe.net.flow.blocking_connection`) is connected by then or not at all, and is shut down
    once the time is over, so that whoever reads from it or writes to it gets an error or an end;
    ``passed`` says so. ``until`` is in monotonic seconds.
    """

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self._lock = threading.Lock()
        # A connection that is closed lets go of its socket, which an answer may still read.
        self._sockets: list[socket.socket] = []
        self._done = threading.Event()
        self._token: contextvars.Token[BlockingDeadline | None] | None = None
        self.passed = False

    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.passed or time.monotonic() >= self.until

    @property
    def left(self) -> float:
        """Seconds until then. Raises TimeoutError once it is over."""
        if self.is_over():
            raise TimeoutError
        return max(0.001, self.until - time.monotonic())

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        threading.Thread(target=self._guard, name="deadline", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._token is not None:
            _current.reset(self._token)

    def add(self, sock: socket.socket) -> None:
        """Shut this one down, too. Raises TimeoutError after the deadline."""
        with self._lock:
            if self.passed:
                raise TimeoutError
            self._sockets.append(sock)

    def _guard(self) -> None:
        if self._done.wait(max(0.0, self.until - time.monotonic())):
            return
        with self._lock:
            self.passed = True
        for each in self._sockets:
            with suppress(OSError):
                # An SSLSocket's own would change its state under its reader.
                socket.socket.shutdown(each, socket.SHUT_RDWR)


_current: contextvars.ContextVar[BlockingDeadline | None] = contextvars.ContextVar(
    "blocking deadline", default=None
)


def current_deadline(seconds: float) -> BlockingDeadline:
    """That of this thread; without one, one that is over in so many seconds and shuts nothing
    down."""
    return _current.get() or BlockingDeadline(seconds)
