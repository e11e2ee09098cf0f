"""A daemon in a process of its own, as it runs for years: started, asked, stopped."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.command import Process, start

# A noisy machine with other tests next to this one.
PATIENCE = 150.0


class Running:
    """One daemon; ``lines`` are its log so far."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.raw: list[str] = []
        self.url = ""
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))

    async def __aenter__(self) -> Self:
        try:
            line = await self.said("the status page is on")
        except BaseException:
            await self.close()
            raise
        found = re.search(r"http://\S+?(?=/?$)", line["message"])
        assert found is not None
        self.url = found[0].replace("localhost", "127.0.0.1")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the daemon, and whatever this has open."""
        await self.session.close()
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await self._reader

    async def get(self, path: str, **options: Any) -> tuple[int, str]:
        """Status and text of one of its pages."""
        async with self.session.get(self.url + path, **options) as response:
            return response.status, await response.text()

    async def status(self) -> dict[str, Any]:
        """The JSON twin of the status page."""
        code, text = await self.get("/status.json")
        assert code == 200, text
        found: dict[str, Any] = json.loads(text)
        return found

    async def status_when(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The status once it is so, within two minutes."""
        async with asyncio.timeout(120):
            while not is_so(found := await self.status()):  # noqa: ASYNC110 - a page is asked
                await asyncio.sleep(0.2)
        return found

    async def metrics(self) -> dict[str, float]:
        """Every sample by its whole name, ``probe_success{check="a"}`` with that label alone."""
        _, text = await self.get("/metrics")
        found = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, value = line.rsplit(" ", 1)
            found[_shortened(name)] = float(value)
        return found

    async def ready(self) -> None:
        """Wait until the first round is over."""
        async with asyncio.timeout(PATIENCE):
            while (await self.get("/readyz"))[0] != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def said(self, message: str, **fields: object) -> dict[str, Any]:
        """The first line of the log with this message in it and these fields."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for line in self.lines:
                    if message in line["message"] and fields.items() <= line.items():
                        return line
                if self.process.returncode is not None and self._reader.done():
                    raise AssertionError(f"it ended with {self.process.returncode}: {self.raw}")
                self._news.clear()
                await self._news.wait()

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal it; its exit code."""
        self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            text = line.decode()
            self.raw.append(text)
            with suppress(json.JSONDecodeError):
                self.lines.append(json.loads(text))
            self._news.set()
        await self.process.wait()
        self._news.set()


@asynccontextmanager
async def daemon(
    folder: Path,
    environment: Mapping[str, str],
    *arguments: str,
    prefix: Sequence[str] = (),
) -> AsyncIterator[Running]:
    """Run ``probe`` in a folder until the block ends, on a port of its own; ``prefix`` is the
    command that starts it."""
    listen = {"PROBE_LISTEN": "127.0.0.1:0"}
    process = await start(*arguments, cwd=folder, env={**listen, **environment}, prefix=prefix)
    async with Running(process) as running:
        yield running


def memory_of(pid: int) -> int:
    """Resident bytes of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _shortened(name: str) -> str:
    """Only the labels that tell one check's lines apart."""
    metric, _, labels = name.partition("{")
    kept = re.findall(r'((?:check|cause|phase|status)="[^"]*")', labels)
    return f"{metric}{{{','.join(sorted(kept))}}}" if kept else metric
