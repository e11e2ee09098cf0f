"""Lookups of names, each in a thread of its own that can hang for as long as the resolver likes.

The threads are bounded: whoever asks for a name whose lookup hangs joins that one, and while many
names hang, no further lookup is begun.
"""

import asyncio
import socket
import time
from typing import Any
from weakref import WeakKeyDictionary

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.untrusted.daemon_thread import in_daemon_thread

# A lookup that has been running for so long hangs.
HANGING_SECONDS = 1.0
# So many names may hang, and so many lookups run, at the same time.
MAX_HANGING, MAX_RUNNING = 64, 512

Key = tuple[str, int, int]
Found = list[tuple[Any, ...]]


class Lookups:
    """Those of one event loop."""

    def __init__(self) -> None:
        self._running: dict[Key, list[tuple[float, asyncio.Task[Found]]]] = {}
        self._count = 0

    async def look_up(self, host: str, port: int, family: int) -> Found:
        """What getaddrinfo finds. Raises what it raises, and NotMeasured(own_resources) while
        too many others hang."""
        key, now = (host, port, family), time.monotonic()
        hanging = [task for at, task in self._running.get(key, ()) if _hangs(at, now)]
        if hanging:
            return list(await asyncio.shield(hanging[0]))
        hang = sum(_hangs(at, now) for each in self._running.values() for at, _ in each)
        if hang >= MAX_HANGING or self._count >= MAX_RUNNING:
            message = f"{host} is not looked up: the lookups of {hang} other names hang"
            raise NotMeasured(Cause.OWN_RESOURCES, message)
        return list(await asyncio.shield(self._begin(key, now)))

    def _begin(self, key: Key, now: float) -> "asyncio.Task[Found]":
        host, port, family = key
        task: asyncio.Task[Found] = asyncio.ensure_future(
            in_daemon_thread(
                lambda: list(
                    socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
                ),
                name="resolve",
            )
        )
        self._running.setdefault(key, []).append((now, task))
        self._count += 1
        task.add_done_callback(lambda done: self._ended(key, done))
        return task

    def _ended(self, key: Key, done: "asyncio.Task[Found]") -> None:
        left = [each for each in self._running.pop(key, []) if each[1] is not done]
        if left:
            self._running[key] = left
        self._count -= 1
        # Whoever asked may have gone meanwhile.
        if not done.cancelled():
            done.exception()


_OF_LOOP: "WeakKeyDictionary[asyncio.AbstractEventLoop, Lookups]" = WeakKeyDictionary()


def lookups() -> Lookups:
    """Those of the running loop."""
    return _OF_LOOP.setdefault(asyncio.get_running_loop(), Lookups())


def _hangs(began: float, now: float) -> bool:
    return now - began >= HANGING_SECONDS
