"""A load that several machines share through Redis, by SAQ's queue (https://saq-py.readthedocs.io).

Each share is a job. Whoever takes one says so and waits for the start, which is a time of the
Redis server's clock, so that machines whose clocks differ begin together. Its statistics are in
the job's ``meta``, renewed every other second. The configuration, secrets included, is each
machine's own: only the plan and the target's address pass through Redis.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from probe.load.measurement.statistics import LoadStatistics
from probe.load.plan import DRAIN_SECONDS, LoadPlan

if TYPE_CHECKING:
    from saq import Job
    from saq.queue.redis import RedisQueue

QUEUE = "probe-load"
FUNCTION = "load_share"
START_DELAY = 2.0
POLL_SECONDS = 0.5
WORKER_TIMEOUT_SECONDS = 6.0
"""A coordinator that can't be reached for so long is gone."""
JOIN_SECONDS = 600.0
_EXPIRE = 3600
_ALIVE = 20
MISSING = "--coordinator needs SAQ: pip install 'paircam-probe[load]'"


class CoordinatorLost(Exception):
    """Redis does not answer any more, or refuses; the message has no password in it."""


class CoordinatorMissing(Exception):
    """The library for it is not installed."""


@asynccontextmanager
async def coordinator(url: str) -> "AsyncIterator[RedisQueue]":
    """The queue at this address. Raises CoordinatorMissing, CoordinatorLost."""
    try:
        from redis.asyncio import Redis
        from saq.queue.redis import RedisQueue
    except ImportError:
        raise CoordinatorMissing(MISSING) from None
    try:
        client = Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0)
    except ValueError:
        raise CoordinatorLost("is not a redis:// or rediss:// address") from None

    class UnsweptQueue(RedisQueue):
        """SAQ's sweep takes a share that was just taken for one that is stuck; here the load's
        own deadlines end what is stuck."""

        async def sweep(self, lock: int = 60, abort: float = 5.0) -> list[str]:
            return []

    queue = UnsweptQueue(client, name=QUEUE)
    asyncio.get_running_loop().set_exception_handler(_without_lost_connections)
    try:
        async with answering():
            await client.time()
        yield queue
    finally:
        with suppress(Exception):
            await queue.disconnect()


def _without_lost_connections(loop: asyncio.AbstractEventLoop, found: dict[str, Any]) -> None:
    """SAQ leaves tasks behind whose connection was lost, which is reported elsewhere."""
    from redis.exceptions import RedisError

    if not isinstance(found.get("exception"), RedisError | OSError):
        loop.default_exception_handler(found)


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Errors of the client leave as CoordinatorLost with their type: texts may hold secrets."""
    from redis.exceptions import AuthenticationError, RedisError

    try:
        async with asyncio.timeout(WORKER_TIMEOUT_SECONDS):
            yield
    except AuthenticationError:
        raise CoordinatorLost("refuses the password") from None
    except RuntimeError:
        raise CoordinatorLost("has lost the shares of this load") from None
    except (RedisError, OSError, TimeoutError) as error:
        raise CoordinatorLost(f"does not answer ({type(error).__name__})") from None


def run_id() -> str:
    """A name for one load, which no other has."""
    return secrets.token_hex(8)


def start_key(run: str) -> str:
    """The key of a load's start, in seconds of the Redis server's clock; ``stop`` ends the load."""
    return f"probe:load:{run}:start"


def alive_key(run: str) -> str:
    """The key that exists while the machine that began a load follows it."""
    return f"probe:load:{run}:alive"


async def now(queue: "RedisQueue") -> float:
    """The Redis server's clock."""
    seconds, micros = await queue.redis.time()
    return float(seconds) + float(micros) / 1e6


@dataclass
class SharedLoad:
    """The shares of one load as its initiator sees them."""

    queue: "RedisQueue"
    plan: LoadPlan
    run: str = field(default_factory=run_id)
    jobs: "list[Job]" = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    coordinator_lost: str = ""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    latest: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    async def execute(self, shares: Sequence[Mapping[str, Any]]) -> LoadStatistics:
        """Hand out the shares, start all at a time, and follow them to their end."""
        try:
            async with answering():
                await self._enqueue(shares)
            if await self._all_taken():
                async with answering():
                    start = await now(self.queue) + START_DELAY
                    await self.queue.redis.set(start_key(self.run), start, ex=_EXPIRE)
                await self._follow()
        except CoordinatorLost as error:
            self.coordinator_lost = str(error)
        finally:
            with suppress(CoordinatorLost):
                async with answering():
                    await self._clean_up()
        return self.statistics()

    def statistics(self) -> LoadStatistics:
        """All that was reported until now, merged."""
        whole = LoadStatistics(self.plan)
        for document in self.latest.values():
            whole.add(document)
        if self.coordinator_lost:
            whole.stopped_by = "coordinator_lost"
        return whole

    async def _enqueue(self, shares: Sequence[Mapping[str, Any]]) -> None:
        await self.queue.redis.set(alive_key(self.run), "1", ex=_ALIVE)
        limit = int(JOIN_SECONDS + self.plan.duration + 2 * DRAIN_SECONDS)
        for share in shares:
            job = await self.queue.enqueue(
                FUNCTION, timeout=limit, ttl=_EXPIRE, retries=1, share={**share, "run": self.run}
            )
            assert job is not None
            self.jobs.append(job)

    async def _all_taken(self) -> bool:
        """Whether machines have taken all shares before the time is up, or the load is stopped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(JOIN_SECONDS):
                while not self.stopping.is_set():
                    async with answering():
                        await self._refresh()
                    if all(job.meta.get("ready") or job.completed for job in self.jobs):
                        return True
                    await _pause(self.stopping)
        if not self.stopping.is_set():
            waiting = sum(not job.meta.get("ready") for job in self.jobs)
            self.lost.append(f"{waiting} of {len(self.jobs)} shares were taken by no machine")
        return False

    async def _follow(self) -> None:
        limit = START_DELAY + self.plan.duration + DRAIN_SECONDS + WORKER_TIMEOUT_SECONDS
        ended = False
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while not all(job.completed for job in self.jobs):
                    if self.stopping.is_set() and not ended:
                        ended = True
                        async with answering():
                            await self.queue.redis.set(start_key(self.run), "stop", ex=_EXPIRE)
                    async with answering():
                        await self._refresh()
                    await asyncio.sleep(POLL_SECONDS)
        self._name_lost()

    async def _refresh(self) -> None:
        await self.queue.redis.set(alive_key(self.run), "1", ex=_ALIVE)
        for job in self.jobs:
            await job.refresh()
            if found := job.meta.get("statistics"):
                self.latest[job.key] = json.loads(found)

    def _name_lost(self) -> None:
        for number, job in enumerate(self.jobs, start=1):
            if job.meta.get("final"):
                continue
            if reason := job.meta.get("refused"):
                self.lost.append(f"share {number} ({job.meta.get('host')}) was refused: {reason}")
                continue
            reported = job.key in self.latest
            counted = "what it had reported is counted" if reported else "nothing counts"
            self.lost.append(
                f"share {number} ({job.meta.get('host', 'no machine')}) did not end: {counted}"
            )

    async def _clean_up(self) -> None:
        await self.queue.redis.set(start_key(self.run), "stop", ex=_EXPIRE)
        await self.queue.redis.delete(alive_key(self.run))
        for job in self.jobs:
            if not job.completed:
                await job.abort("the load has ended")


async def _pause(stopping: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(POLL_SECONDS):
            await stopping.wait()
