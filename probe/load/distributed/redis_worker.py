"""A machine that takes one share of a load from a coordinator, and reports to it.

When the coordinator is gone it ends its part, which no other machine could count or stop.
"""

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from probe.load.distributed.redis_shares import (
    FUNCTION,
    POLL_SECONDS,
    CoordinatorLost,
    alive_key,
    answering,
    now,
    start_key,
)
from probe.load.generator import Generator, preload
from probe.untrusted.text import excerpt

if TYPE_CHECKING:
    from saq import Job
    from saq.queue.redis import RedisQueue

REPORT_SECONDS = 2.0
FINISH_SECONDS = 5.0

MakeGenerator = Callable[[Mapping[str, Any]], Awaitable[Generator]]
"""The generator of a share. Raises ShareRefused."""


class ShareRefused(Exception):
    """This machine does not take the share; says why."""


class ShareWorker:
    """Takes one share. ``generator`` is there once it has one, ``problem`` says why it ended
    early."""

    def __init__(self, queue: "RedisQueue", make: MakeGenerator) -> None:
        self.generator: Generator | None = None
        self.problem = ""
        self._queue, self._make = queue, make
        self._done, self._processed = asyncio.Event(), asyncio.Event()

    async def work(self) -> None:
        """Wait for a share, do it, and end."""
        from saq import Worker

        # It reports what it can't do by itself, with texts that may hold an address.
        logging.getLogger("saq").setLevel(logging.CRITICAL)

        async def processed(_: object) -> None:
            self._processed.set()

        preload()
        worker = Worker(
            self._queue,
            functions=[(FUNCTION, self._share)],
            concurrency=1,
            after_process=processed,
            dequeue_timeout=1.0,
        )
        worker.SIGNALS = []
        running = asyncio.create_task(worker.start())
        done = asyncio.create_task(self._done.wait())
        try:
            await asyncio.wait({running, done}, return_when=asyncio.FIRST_COMPLETED)
            with suppress(TimeoutError):
                async with asyncio.timeout(FINISH_SECONDS):
                    await self._processed.wait()
        finally:
            running.cancel()
            done.cancel()
            # Without its Redis the library may wait for long.
            await asyncio.wait({running, done}, timeout=FINISH_SECONDS)

    async def stop(self) -> None:
        """End the share, or the waiting for one."""
        if self.generator is not None:
            self.generator.stop("interrupted")
        else:
            self._done.set()
            self._processed.set()

    async def _share(self, context: Mapping[str, Any], *, share: dict[str, Any]) -> None:
        job: Job = context["job"]
        try:
            if not await self._is_followed(share["run"]):
                return  # left by a machine that is gone: another share may come
            await self._do(job, share)
        except ShareRefused as error:
            self.problem = str(error)
            with suppress(CoordinatorLost):
                await self._publish(job, {"refused": excerpt(str(error)), "ready": True})
        except CoordinatorLost as error:
            self.problem = f"the coordinator {error}"
        self._done.set()

    async def _do(self, job: "Job", share: Mapping[str, Any]) -> None:
        generator = await self._make(share)
        self.generator = generator
        await self._publish(job, {"ready": True})
        if not await self._until_start(share["run"]):
            return
        reporting = asyncio.create_task(self._report(job, share["run"], generator))
        try:
            await generator.run()
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)
        if generator.refused:
            raise ShareRefused(f"the backend issues {generator.refused}, a public relay")
        await self._publish(job, {"ready": True, "final": True, "statistics": _dumped(generator)})

    async def _is_followed(self, run: str) -> bool:
        """Whether the machine that began the load is still there."""
        async with answering():
            return bool(await self._queue.redis.exists(alive_key(run)))

    async def _until_start(self, run: str) -> bool:
        """Whether the load starts, in the moment when it does."""
        while True:
            async with answering():
                start = await self._queue.redis.get(start_key(run))
                if start is not None:
                    moment = await now(self._queue)
                    break
            if not await self._is_followed(run):
                return False
            await asyncio.sleep(POLL_SECONDS)
        if start == b"stop":
            return False
        await asyncio.sleep(max(0.0, float(start) - moment))
        return True

    async def _report(self, job: "Job", run: str, generator: Generator) -> None:
        try:
            while True:
                await asyncio.sleep(REPORT_SECONDS)
                await self._publish(job, {"ready": True, "statistics": _dumped(generator)})
                async with answering():
                    if await self._queue.redis.get(start_key(run)) == b"stop":
                        generator.stop("interrupted")
                if not await self._is_followed(run):
                    raise CoordinatorLost("has lost the machine that began the load")
        except CoordinatorLost as error:
            self.problem = f"the coordinator {error}"
            generator.stop("coordinator_lost")

    async def _publish(self, job: "Job", meta: Mapping[str, Any]) -> None:
        async with answering():
            await job.update(meta={"host": socket.gethostname(), **meta})


def _dumped(generator: Generator) -> str:
    return json.dumps(generator.update().dump())
