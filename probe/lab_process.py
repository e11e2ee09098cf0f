"""The lab of a one-shot run, in a process of its own.

Its servers and the checks that use them have a core each, and each loads its modules while the
other loads its own.
"""

import asyncio
import gc
import json
import os
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

# For the lab's servers to stop, once the run is over.
END_SECONDS = 5.0
_POLL_SECONDS = 0.005


class LabProcess:
    """Forked from this process, which has to have one thread; it ends with this one at the latest.

    ``environment`` waits until the lab is up, ``end`` lets it stop and ``close`` waits for that.
    """

    def __init__(self) -> None:
        self._environment_pipe, writer = os.pipe()
        lifeline, self._lifeline = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self._environment_pipe)
            os.close(self._lifeline)
            _serve(writer, lifeline)
        os.close(writer)
        os.close(lifeline)
        self._has_ended = False

    async def environment(self) -> dict[str, str]:
        """The variables that point to the lab. Raises RuntimeError where it does not start."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(self._environment_pipe, "rb")
        )
        try:
            text = await reader.read()
        finally:
            transport.close()
        if not text:
            raise RuntimeError("the lab does not start")
        found: dict[str, str] = json.loads(text)
        return found

    def end(self) -> None:
        """Let it stop; again does nothing."""
        if not self._has_ended:
            self._has_ended = True
            os.close(self._lifeline)

    def close(self) -> None:
        """Wait until it has stopped, and end it after END_SECONDS."""
        self.end()
        until = time.monotonic() + END_SECONDS
        while not os.waitpid(self.pid, os.WNOHANG)[0]:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return
            time.sleep(_POLL_SECONDS)


@contextmanager
def lab_alongside(*, wanted: bool) -> Iterator[LabProcess | None]:
    """The lab of what is inside, if one is wanted; it has stopped at the end."""
    lab = LabProcess() if wanted else None
    try:
        yield lab
    finally:
        if lab is not None:
            lab.close()


def _serve(writer: int, lifeline: int) -> None:
    """The process of the lab, until the other end of ``lifeline`` is closed. Never returns."""
    code = 1
    try:
        # Ctrl-C reaches it too; it ends with the run, which has sessions to close before.
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        # Whoever reads what the run prints does not wait for the lab.
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        asyncio.run(_lab(writer, lifeline))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


async def _lab(writer: int, lifeline: int) -> None:
    from probe.net.flow import aiohttp_import  # noqa: F401  before whatever imports aiohttp

    # isort: split

    from probe.lab import Lab

    over = asyncio.Event()
    async with Lab() as lab:
        with os.fdopen(writer, "w", encoding="utf-8") as file:
            json.dump(lab.shared_environment(), file)
        gc.freeze()
        gc.enable()
        asyncio.get_running_loop().add_reader(lifeline, over.set)
        await over.wait()
        asyncio.get_running_loop().remove_reader(lifeline)
