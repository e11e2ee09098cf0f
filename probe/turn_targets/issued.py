"""Measuring what the backend issues as a browser uses it: all URLs, of which one has to work.

The one that a browser prefers is measured in full, and then whether the others allocate; where
it fails, the next one is measured instead.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.net.tasks import gather_first_error
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TurnUri
from probe.turn.allocation import allocate_and_delete
from probe.turn_targets.allocation_slots import allocation_slots
from probe.turn_targets.server_list import servers_for, with_uri
from probe.turn_targets.table import MAX_ALLOCATIONS, TurnServerConfig

# Of what is left of the deadline, for all URLs together, so that a silent one can still be
# named; and of that for each, so that there is time for the next.
_SHARE_OF_DEADLINE, _SHARE_OF_ONE = 0.85, 0.45

Measure = Callable[[TurnUri, TurnCredentials | None, float], Coroutine[Any, Any, None]]
"""Measures one server, in so many seconds at most."""
_Check = Callable[[TurnUri], Coroutine[Any, Any, None]]
_Work = Callable[[TurnUri, float], Coroutine[Any, Any, None]]


async def measure_issued(
    table: TurnServerConfig,
    measure: Measure,
    record: Recorder,
    context: Context,
    *,
    check_others: bool = True,
) -> None:
    """Ask the backend, ``measure`` its servers until one works, and record the outcome of each.

    ``check_others``: whether those that are not measured have to allocate as well. Raises what
    asking the backend raises; CheckFailed that names the URL which a browser prefers where
    none works, CheckFailed(some_urls_failed) where some do.
    """
    started = context.clock()
    credentials, urls = await servers_for(table, record, context)
    left = _SHARE_OF_DEADLINE * (table.deadline - (context.clock() - started))
    users = [credentials] * MAX_ALLOCATIONS

    async def work(url: TurnUri, seconds: float) -> None:
        await measure(url, credentials, seconds)

    async with allocation_slots(users, table.user_quota, record, context):
        trying = _Trying(urls, context, context.clock() + left)
        for number, url in enumerate(urls):
            await trying.measure(url, work, number, record)
            if trying.working is not None:
                break
        if check_others:

            async def check(url: TurnUri) -> None:
                await allocate_and_delete(url, credentials, context, ca_file=table.ca_file)

            with record.phase("others"):
                await trying.check_others(check)
    _conclude(urls, trying.working, trying.failures, record)


class _Trying:
    """The outcome of each URL so far; all of them together have until ``end``."""

    def __init__(self, urls: Sequence[TurnUri], context: Context, end: float) -> None:
        self.working: TurnUri | None = None
        self.failures: dict[TurnUri, CheckFailed] = {}
        self._urls, self._context, self._end = urls, context, end

    async def measure(self, url: TurnUri, work: _Work, number: int, record: Recorder) -> None:
        """In full."""
        share = _SHARE_OF_ONE if number < len(self._urls) - 1 else 1.0
        seconds = share * self._left
        try:
            async with _within(url, seconds):
                await work(url, seconds)
            self.working = url
        except CheckFailed as error:
            error.phase = error.phase or record.current
            self.failures[url] = error

    async def check_others(self, check: _Check) -> None:
        """Those not tried yet, as many at a time as a user may have."""
        slots, limit = asyncio.Semaphore(MAX_ALLOCATIONS), 0.9 * self._left

        async def one(url: TurnUri) -> None:
            try:
                async with slots, _within(url, limit, phase="allocate"):
                    await check(url)
            except CheckFailed as error:
                self.failures[url] = error

        untried = [url for url in self._urls if url != self.working and url not in self.failures]
        await gather_first_error(*map(one, untried))

    @property
    def _left(self) -> float:
        return max(0.05, self._end - self._context.clock())


def _conclude(
    urls: Sequence[TurnUri],
    working: TurnUri | None,
    failures: dict[TurnUri, CheckFailed],
    record: Recorder,
) -> None:
    if not failures:
        return
    for url in urls:
        if url in failures:
            record.facts[str(url)] = failures[url].message.removeprefix(f"{url}: ")
        elif url == working:
            record.facts[str(url)] = "works"
    first = failures[next(url for url in urls if url in failures)]
    if working is None:
        raise first
    message = f"{first.message}; {len(urls) - len(failures)} of {len(urls)} URLs work"
    raise CheckFailed(Cause.SOME_URLS_FAILED, message, phase=first.phase)


@asynccontextmanager
async def _within(url: TurnUri, limit: float, phase: str | None = None) -> AsyncIterator[None]:
    """Failures inside leave with the URL in their message, at the latest after ``limit`` s.

    ``phase`` is that of a time-out; None leaves it to the record.
    """
    try:
        async with asyncio.timeout(limit):
            yield
    except CheckFailed as error:
        raise with_uri(url, error) from None
    except TimeoutError:
        message = f"{url}: no answer within {limit:.1f} s"
        raise CheckFailed(Cause.DEADLINE, message, phase=phase) from None
