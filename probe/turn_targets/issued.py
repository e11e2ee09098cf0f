"""Measuring what the backend issues as a browser uses it: all URLs, of which one has to work.

The one that a browser prefers is measured in full, and at the same time whether the others
allocate; where it fails, the next one that may work is measured instead.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.stun.credentials import TurnCredentials
from probe.stun.uri import TurnUri
from probe.turn.relay_path import check_allocation
from probe.turn_targets.table import TurnServerConfig, servers_for, with_uri

# Of what is left of the deadline, for all URLs together, so that a silent one can still be
# named; and of that for each, so that there is time for the next.
_SHARE_OF_DEADLINE, _SHARE_OF_ONE = 0.85, 0.45

Measure = Callable[[TurnUri, TurnCredentials | None], Coroutine[Any, Any, None]]


async def measure_issued(
    table: TurnServerConfig,
    measure: Measure,
    record: Recorder,
    context: Context,
    *,
    check_others: bool = True,
) -> None:
    """Ask the backend, ``measure`` its servers until one works, and say of each what it met.

    ``check_others``: whether those that are not measured have to allocate as well. Raises what
    asking the backend raises; CheckFailed that names the URL which a browser prefers where
    none works, CheckFailed(some_urls_failed) where some do.
    """
    started = context.clock()
    credentials, urls = await servers_for(table, record, context)
    end = started + _SHARE_OF_DEADLINE * table.deadline
    failures: dict[TurnUri, CheckFailed] = {}

    def limit(number: int) -> float:
        share = _SHARE_OF_ONE if number < len(urls) - 1 else 1.0
        return max(0.05, share * (end - context.clock()))

    async def check(url: TurnUri, seconds: float) -> None:
        try:
            async with _within(url, seconds, phase="allocate"):
                await check_allocation(url, credentials, context, ca_file=table.ca_file)
        except CheckFailed as error:
            failures[url] = error

    others = urls[1:] if check_others else ()
    checking = [asyncio.create_task(check(url, limit(0))) for url in others]
    working: TurnUri | None = None
    try:
        for number, url in enumerate(urls):
            if working is None and url not in failures:
                try:
                    async with _within(url, limit(number)):
                        await measure(url, credentials)
                    working = url
                except CheckFailed as error:
                    error.phase = error.phase or record.current
                    failures[url] = error
        if checking:
            with record.phase("others"):
                await asyncio.gather(*checking)
    finally:
        for each in checking:
            each.cancel()
        await asyncio.gather(*checking, return_exceptions=True)
    _conclude(urls, working, failures, record)


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
