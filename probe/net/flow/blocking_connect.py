"""A TCP connection for a client that blocks in a thread: the lookup of its name and all of its
addresses under one deadline.

``socket.create_connection`` bounds each address by itself, and the lookup by nothing: a name with
many addresses that drop packets, or whose name servers are silent, holds a thread for minutes.
"""

import errno
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

# RFC 8305, section 5: when the next address is tried beside one that is silent, in seconds.
ATTEMPT_DELAY = 0.25
# Of one name; at the delay above more are not reached within any deadline here.
MAX_ADDRESSES = 64

_Info = tuple[Any, ...]


def connect(host: str, port: int, until: float) -> socket.socket:
    """A connection to whichever address takes it first; ``until`` is in monotonic seconds.

    Raises OSError, TimeoutError once the time is over.
    """
    found = look_up(host, port, until)
    sock = _Race(_interleaved(found), until).run()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def look_up(host: str, port: int, until: float) -> list[_Info]:
    """What getaddrinfo finds. Raises what it raises, and TimeoutError once the time is over.

    getaddrinfo can't be interrupted: its thread is left to itself, and whoever asks for the same
    name meanwhile waits for that one.
    """
    with _lock:
        lookup = _running.get((host, port))
        if lookup is None:
            lookup = _Lookup(host, port)
            lookup.start()
            _running[host, port] = lookup
    if not lookup.done.wait(max(0.0, until - time.monotonic())):
        raise TimeoutError(errno.ETIMEDOUT, "its name was not resolved in time")
    if lookup.failure is not None:
        raise OSError(*lookup.failure)
    return lookup.found


class _Lookup:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.done = threading.Event()
        self.found: list[_Info] = []
        self.failure: tuple[int, str] | None = None

    def start(self) -> None:
        """Raises OSError where the system has no thread left."""
        try:
            threading.Thread(target=self._run, name="resolve", daemon=True).start()
        except RuntimeError:
            raise OSError(errno.EAGAIN, "no thread is left to resolve its name") from None

    def _run(self) -> None:
        try:
            self.found = list(socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM))
        except OSError as error:
            self.failure = (error.errno or 0, error.strerror or "its name does not resolve")
        except UnicodeError:
            self.failure = (socket.EAI_NONAME, "its name is not a valid one")
        finally:
            with _lock:
                _running.pop((self._host, self._port), None)
            self.done.set()


_lock = threading.Lock()
_running: dict[tuple[str, int], _Lookup] = {}


def _interleaved(found: Iterable[_Info]) -> Iterator[_Info]:
    """Each address once, with the families taking turns (RFC 8305, section 4)."""
    families: dict[int, list[_Info]] = {}
    for each in dict.fromkeys(found):
        families.setdefault(each[0], []).append(each)
    turns = (each for turn in zip_longest(*families.values()) for each in turn if each)
    for _, each in zip(range(MAX_ADDRESSES), turns, strict=False):
        yield each


class _Race:
    """Connects to one address after the other, each a moment later or once one has failed."""

    def __init__(self, addresses: Iterable[_Info], until: float) -> None:
        self._waiting, self._until = deque(addresses), until
        self._selector = selectors.DefaultSelector()
        self._failure = OSError(errno.EADDRNOTAVAIL, "it has no address")

    def run(self) -> socket.socket:
        """The first that is connected. Raises OSError."""
        won: socket.socket | None = None
        try:
            while won is None and (self._waiting or self._selector.get_map()):
                if self._waiting:
                    self._start(self._waiting.popleft())
                if self._selector.get_map():
                    won = self._first()
        finally:
            for key in list(self._selector.get_map().values()):
                _sock(key).close()
            self._selector.close()
        if won is None:
            raise self._failure
        return won

    def _start(self, info: _Info) -> None:
        family, kind, protocol, _, address = info
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:
            self._failure = error
            return
        try:
            sock.setblocking(False)
            if (code := sock.connect_ex(address)) not in (0, errno.EINPROGRESS):
                raise OSError(code, os.strerror(code))
            self._selector.register(sock, selectors.EVENT_WRITE)
        except OSError as error:
            self._failure = error
            sock.close()

    def _first(self) -> socket.socket | None:
        """Wait until one is connected, one has failed, or it is the next one's turn."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError(errno.ETIMEDOUT, "none of its addresses answered in time")
        for key, _ in self._selector.select(min(left, ATTEMPT_DELAY) if self._waiting else left):
            sock = _sock(key)
            self._selector.unregister(sock)
            if not (code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                return sock
            sock.close()
            self._failure = OSError(code, os.strerror(code))
        return None


def _sock(key: selectors.SelectorKey) -> socket.socket:
    sock = key.fileobj
    assert isinstance(sock, socket.socket)
    return sock
