"""Addresses on loopback that never answer, and names that have many of them."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

NAME = "dead.example.org"


@contextmanager
def silent_port() -> Iterator[int]:
    """A port whose backlog is full: the kernel drops every further SYN, as a black hole does."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        while True:
            filling = stack.enter_context(socket.socket())
            filling.settimeout(0.05)
            try:
                filling.connect(address)
            except TimeoutError:
                break
        yield address[1]


@contextmanager
def silent_ports(count: int) -> Iterator[Sequence[int]]:
    """So many of them."""
    with ExitStack() as stack:
        yield [stack.enter_context(silent_port()) for _ in range(count)]


class Names:
    """A resolver of which one name has the ports of ``ports`` on loopback as its addresses, in
    that order; while ``silent``, it does not answer."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self.ports: Sequence[int] = ()
        self.silent = False
        self.released = threading.Event()
        self._real = socket.getaddrinfo
        self._running, self._ended = 0, threading.Condition()
        patch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: Any, *arguments: Any, **options: Any) -> list[Any]:
        if host != NAME:
            return list(self._real(host, *arguments, **options))
        with self._ended:
            self.asked += 1
            self._running += 1
        if self.silent:
            self.released.wait(60)
        with self._ended:
            self._running -= 1
            self._ended.notify_all()
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in self.ports
        ]

    def release(self) -> None:
        """Let every lookup end."""
        self.released.set()
        with self._ended:
            self._ended.wait_for(lambda: not self._running, 60)
