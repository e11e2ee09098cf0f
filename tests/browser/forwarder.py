"""A way to a server that is slower, or loses packets: UDP and TCP, in user space.

Run as a program it has an event loop and a core of its own, so that what is timed next to it
doesn't wait for it.
"""

import asyncio
import json
import os
import random
import selectors
import statistics
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"


class Forwarder:
    """``delay`` in seconds each way; ``loss`` is the share of datagrams lost each way."""

    def __init__(
        self,
        target: tuple[str, int],
        *,
        delay: float = 0.0,
        loss: float = 0.0,
        seed: int = 1,
        host: str = HOST,
    ) -> None:
        self._target, self._delay, self._loss = target, delay, loss
        self._host = host
        self._random = random.Random(seed)
        self._clients: dict[Any, asyncio.DatagramTransport] = {}
        self._streams: set[asyncio.Task[None]] = set()
        self._held: list[float] = []
        self.port = 0

    def held(self) -> float:
        """Median of how long packets were really held since this was last asked, in seconds."""
        held, self._held = self._held, []
        return statistics.median(held) if held else 0.0

    async def start(self) -> None:
        """Listen for UDP and TCP on one port."""
        loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._accepted, self._host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._from_client), local_addr=(self._host, self.port)
        )
        self._transport = transport

    async def stop(self) -> None:
        """Close everything at once."""
        self._server.close()
        self._transport.abort()
        for upstream in self._clients.values():
            upstream.abort()
        for stream in self._streams:
            stream.cancel()
        await asyncio.gather(*self._streams, return_exceptions=True)

    def _later(self, act: Any, *arguments: Any) -> None:
        loop = asyncio.get_running_loop()
        came = loop.time()

        def release() -> None:
            self._held.append(loop.time() - came)
            act(*arguments)

        loop.call_at(came + self._delay, release)

    def _survives(self) -> bool:
        return self._random.random() >= self._loss

    def _from_client(self, data: bytes, client: Any) -> None:
        if not self._survives():
            return
        upstream = self._clients.get(client)
        if upstream is not None:
            self._later(upstream.sendto, data)
            return
        task = asyncio.create_task(self._open_upstream(client, data))
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)

    async def _open_upstream(self, client: Any, data: bytes) -> None:
        def back(answer: bytes, _: Any) -> None:
            if self._survives():
                self._later(self._transport.sendto, answer, client)

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(back), remote_addr=self._target
        )
        upstream = transport
        self._clients[client] = upstream
        self._later(upstream.sendto, data)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other, onward = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        ways = [self._pump(reader, onward), self._pump(other, writer)]
        tasks = [asyncio.create_task(way) for way in ways]
        self._streams.update(tasks)
        try:
            await asyncio.wait(tasks)
        finally:
            self._streams.difference_update(tasks)
            for task in tasks:
                task.cancel()
            writer.transport.abort()
            onward.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self._later(_write, writer, data)
        self._later(writer.close)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, received: Any) -> None:
        self._received = received

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._received(data, address)


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    if not writer.is_closing():
        writer.write(data)


@dataclass
class Way:
    """A running forwarder: its port, and how long it really holds what passes."""

    port: int
    process: Process

    async def held(self) -> float:
        """Median since this was last asked, in seconds each way."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"held\n")
        return float(await self.process.stdout.readline())


@asynccontextmanager
async def forwarded(
    port: int,
    *,
    delay: float = 0.0,
    loss: float = 0.0,
    host: str = HOST,
    prefix: Sequence[str] = (),
) -> AsyncIterator[Way]:
    """A forwarder, in a process of its own, to a port of this host, or of where ``prefix``
    runs."""
    options = {"target": [host, port], "delay": delay, "loss": loss, "host": host}
    arguments = json.dumps(options)
    process = await asyncio.create_subprocess_exec(
        *prefix,
        *(sys.executable, "-m", "tests.browser.forwarder", arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield Way(int(await process.stdout.readline()), process)
    finally:
        process.kill()
        await process.wait()


async def main(target: tuple[str, int], **options: Any) -> None:
    """Tell the port, and answer questions, until whoever started this is gone."""
    forwarder = Forwarder((target[0], target[1]), **options)
    await forwarder.start()
    print(forwarder.port, flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(forwarder.held(), flush=True)
    await forwarder.stop()


if __name__ == "__main__":
    with suppress(OSError):
        os.nice(-15)  # a packet that is late here would be late in the figures
    # epoll waits in whole milliseconds, rounded up; select takes what it is given.
    with asyncio.Runner(
        loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())
    ) as runner:
        runner.run(main(**json.loads(sys.argv[1])))
