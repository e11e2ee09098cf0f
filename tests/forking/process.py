"""A forked ``probe`` from the side of the test, with the interface of asyncio's processes."""

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
LAST_SECONDS = 1.0


class ForkedProcess:
    """A process whose parent is the server; what is used of ``asyncio.subprocess.Process``."""

    def __init__(
        self, pid: int, reply: asyncio.StreamReader, closing: asyncio.StreamWriter
    ) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout, self.stderr = asyncio.StreamReader(), asyncio.StreamReader()
        self._pipes = [_Pipe(self.stdout), _Pipe(self.stderr)]
        self._ended = asyncio.create_task(self._end(reply, closing))

    @classmethod
    async def start(
        cls, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], network: str = ""
    ) -> Self:
        """Fork ``probe`` with arguments, in a folder and with an environment of its own;
        ``network`` is the file of its network namespace, unless it is this process'."""
        request = {"cwd": str(cwd), "env": dict(env), "arguments": arguments, "network": network}
        (ours, theirs), pipes = socket.socketpair(), [os.pipe(), os.pipe()]
        descriptors = [*(write for _, write in pipes), theirs.fileno()]
        socket.send_fds(_server(), [json.dumps(request).encode()], descriptors)
        theirs.close()
        reply, closing = await asyncio.open_connection(sock=ours)
        made = cls(int(await reply.readline()), reply, closing)
        for (read, write), pipe in zip(pipes, made._pipes, strict=True):
            os.close(write)
            await pipe.connect(read)
        return made

    async def wait(self) -> int:
        """Its exit code; negative for the signal that ended it."""
        return await asyncio.shield(self._ended)

    async def communicate(self) -> tuple[bytes, bytes]:
        """All that it writes to its streams until it ends."""
        out, err, _ = await asyncio.gather(self.stdout.read(), self.stderr.read(), self.wait())
        return out, err

    def send_signal(self, number: int) -> None:
        """Signal it; raises ProcessLookupError when it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError
        os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    async def _end(self, reply: asyncio.StreamReader, closing: asyncio.StreamWriter) -> int:
        try:
            self.returncode = int(await reply.readline())
        finally:
            closing.close()
        # What it wrote at its end is here then, unless nobody reads it or a child holds the pipe.
        await asyncio.wait([pipe.closed for pipe in self._pipes], timeout=LAST_SECONDS)
        return self.returncode


class _Pipe(asyncio.StreamReaderProtocol):
    """Feeds a stream from a pipe; ``closed`` is done at its end."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        super().__init__(stream)
        self.closed = asyncio.get_running_loop().create_future()

    async def connect(self, descriptor: int) -> None:
        """Read from a descriptor, which is closed at its end."""
        file = os.fdopen(descriptor, "rb", buffering=0)
        await asyncio.get_running_loop().connect_read_pipe(lambda: self, file)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self.closed.done():
            self.closed.set_result(None)


def is_of_the_server(descriptor: str) -> bool:
    """Whether a descriptor of this process leads to the server, and stays for that long."""
    return bool(_server.cache_info().currsize) and descriptor == str(_server().fileno())


@cache
def _server() -> socket.socket:
    """One server for this process, which ends when this process does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    number = theirs.fileno()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.forking.server", str(number)],
        cwd=ROOT,
        pass_fds=[number],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    theirs.close()

    def stop() -> None:
        ours.close()
        server.wait()

    atexit.register(stop)
    return ours
