"""``python -m tests.web.attack PORT SECONDS``: what a crowd and a stranger do to the web port.

1,100 connections that say nothing, 200 clients that read the page again and again, 50 headers a
byte at a time, and 20 who guess passwords. Prints how many of each were answered, as JSON. SIGTERM
ends it early.
"""

import asyncio
import base64
import json
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress

IDLE, CLIENTS, SLOW, GUESSING = 1100, 200, 50, 20
AGAIN = 5.0
"""Seconds after which an idle connection that was closed is opened again."""
USER, PASSWORD = "operator", "the password of the test"


def login(password: str) -> str:
    """The header that carries it."""
    pair = base64.b64encode(f"{USER}:{password}".encode()).decode()
    return f"Authorization: Basic {pair}\r\n"


class Attack:
    """Everything at once, until the time is up."""

    def __init__(self, port: int, seconds: float) -> None:
        self.port, self.until = port, time.monotonic() + seconds
        self.answered: Counter[str] = Counter()

    async def idle(self) -> None:
        """A connection that says nothing; another one when it is closed."""
        while time.monotonic() < self.until:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.answered["idle connections"] += 1
            with suppress(OSError):
                async with asyncio.timeout_at(self._end()):
                    await reader.read()
            writer.close()
            await asyncio.sleep(AGAIN)

    async def slow(self) -> None:
        """A header a byte at a time."""
        while time.monotonic() < self.until:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.answered["slow headers"] += 1
            for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 200:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.1)

    async def client(self, path: str, headers: str) -> None:
        """Request after request on one connection."""
        while time.monotonic() < self.until:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            with suppress(OSError, asyncio.IncompleteReadError, ValueError):
                while time.monotonic() < self.until:
                    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n".encode())
                    head = await reader.readuntil(b"\r\n\r\n")
                    self.answered[f"{path} {head.split()[1].decode()}"] += 1
                    length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
                    await reader.readexactly(int(length or b"0"))
            writer.close()

    def _end(self) -> float:
        return asyncio.get_running_loop().time() + max(0.0, self.until - time.monotonic())


async def _persistently(work: Callable[[], Coroutine[None, None, None]]) -> None:
    while True:
        with suppress(OSError, TimeoutError):
            await work()
            return


async def main(port: int, seconds: float) -> None:
    """Attack, then say what was answered."""
    attack = Attack(port, seconds)
    good, wrong = login(PASSWORD), login("a guess")
    works: list[Callable[[], Coroutine[None, None, None]]] = [attack.idle] * IDLE + [
        attack.slow
    ] * SLOW
    works += [lambda: attack.client("/", good)] * CLIENTS
    works += [lambda: attack.client("/status.json", wrong)] * GUESSING
    tasks = [asyncio.create_task(_persistently(work)) for work in works]
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds + 1):
            await ended.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(attack.answered))


if __name__ == "__main__":
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, 8192), limit))
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
