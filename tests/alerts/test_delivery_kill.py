"""A process that is killed at any moment, again and again, loses no message and doubles none."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from aiohttp import web

from alerts.model import Message, Occasion
from alerts.outbox import Outbox
from tests.alerts.delivery_writer import NOTES
from tests.alerts.services import open_at_the_end
from tests.alerts.words import a_message

ROOT = Path(__file__).parent.parent.parent
Answer = Callable[["RoughService", web.Request], Awaitable[web.Response]]


class RoughService:
    """Takes messages by HTTP, with all the ways to fail on the way; chance is seeded."""

    def __init__(self, seed: int) -> None:
        self.received: list[Message] = []
        self.answers: Counter[str] = Counter()
        self.asked = asyncio.Event()
        self.url = ""
        self._random = Random(seed)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["RoughService"]:
        """Listen on a free port."""
        application = web.Application()
        application.router.add_post("/", self._answer)
        runner = web.AppRunner(
            application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield self
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.set()
        (answer,) = self._random.choices(list(_ANSWERS), list(_ANSWERS.values()))
        self.answers[answer.__name__.strip("_")] += 1
        return await answer(self, request)

    async def take(self, request: web.Request) -> web.Response:
        """Receive a message."""
        body = await request.json()
        occasion = Occasion(body["occasion"])
        self.received.append(a_message(occasion, body["key"], text=body["text"]))
        return web.Response(text="ok")


async def _taken(service: RoughService, request: web.Request) -> web.Response:
    return await service.take(request)


async def _error(service: RoughService, request: web.Request) -> web.Response:
    return web.Response(status=500)


async def _taken_with_error(service: RoughService, request: web.Request) -> web.Response:
    await service.take(request)
    return web.Response(status=502)


async def _busy(service: RoughService, request: web.Request) -> web.Response:
    return web.Response(status=429, headers={"Retry-After": "1"})


async def _busy_without_end(service: RoughService, request: web.Request) -> web.Response:
    return web.Response(status=429, headers={"Retry-After": "0"})


async def _reset(service: RoughService, request: web.Request) -> web.Response:
    await service.take(request)
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _slow(service: RoughService, request: web.Request) -> web.Response:
    response = await service.take(request)
    await asyncio.sleep(0.05)
    return response


async def _silent(service: RoughService, request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody waits so long")


_ANSWERS: dict[Answer, int] = {
    _taken: 60,
    _error: 6,
    _taken_with_error: 6,
    _busy: 6,
    _busy_without_end: 6,
    _reset: 8,
    _slow: 5,
    _silent: 3,
}


async def start(
    folder: Path, service: RoughService, seed: int, mode: str
) -> asyncio.subprocess.Process:
    """Start the process that tells."""
    arguments = (str(folder), service.url, str(seed), mode)
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.alerts.delivery_writer", *arguments),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )


async def kill(process: asyncio.subprocess.Process) -> None:
    """``kill -9``; it must have been alive until then."""
    assert process.returncode is None
    os.kill(process.pid, signal.SIGKILL)
    await process.communicate()
    assert process.returncode == -signal.SIGKILL


async def left_in(folder: Path) -> tuple[dict[str, str], int, int]:
    """What burns by the stored states, how many notes there are, how many messages wait."""
    outbox = await Outbox.open(folder)
    states = {key: json.loads(text) for key, text in (await outbox.states()).items()}
    waiting = len(await outbox.waiting()) + len(await outbox.refused())
    await outbox.close()
    notes = states.pop(NOTES, 0)
    burning = {key: str(state["incident"]) for key, state in states.items() if state["burns"]}
    return burning, notes, waiting


def notes_as_first_received(service: RoughService) -> list[str]:
    """The numbers of the notes; one that came twice counts where it came first."""
    notes = (each.text for each in service.received if each.occasion is Occasion.NOTE)
    return list(dict.fromkeys(notes))


@pytest.mark.parametrize(
    ("kills", "seed"),
    [(3, 1), *(pytest.param(70, seed, marks=pytest.mark.proof) for seed in (2, 3, 4))],
)
async def test_whoever_is_killed_at_any_moment_loses_nothing(
    tmp_path: Path, kills: int, seed: int
) -> None:
    random, service = Random(seed), RoughService(seed)
    async with service.open():
        for round_ in range(kills):
            service.asked.clear()
            process = await start(tmp_path, service, seed * 1000 + round_, "write")
            if round_ % 3 < 2:  # in the midst of its work; else perhaps while it starts
                await service.asked.wait()
            await asyncio.sleep(random.uniform(0.0, 0.6))
            await kill(process)
        last = await start(tmp_path, service, seed, "drain")
        async with asyncio.timeout(60):
            _, errors = await last.communicate()
        assert last.returncode == 0, errors.decode()
    burning, notes, waiting = await left_in(tmp_path)
    print(f"{kills} kills, {len(service.received)} received, {notes} notes, {service.answers}")
    assert len(service.received) > kills
    assert waiting == 0
    assert open_at_the_end(service.received) == burning
    assert notes_as_first_received(service) == [str(number + 1) for number in range(notes)]
