"""Measuring what the backend issues: the server that a browser takes first in full, and a
look at whether the others allocate."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
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

# So much of what is left of the deadline is an URL's, so that a silent one can still be
# named.
_SHARE_OF_DEADLINE = 0.8

Measure = Callable[[TurnUri, TurnCredentials | None], Coroutine[Any, Any, None]]


async def measure_issued(
    table: TurnServerConfig, measure: Measure, record: Recorder, context: Context
) -> None:
    """Ask the backend, ``measure`` the first server, look at the others at the same time.

    Raises what asking the backend raises, and CheckFailed that names the URL which failed.
    """
    started = context.clock()
    credentials, urls = await servers_for(table, record, context)
    limit = _SHARE_OF_DEADLINE * (table.deadline - (context.clock() - started))

    async def look(url: TurnUri) -> None:
        async with _within(url, limit, phase="allocate"):
            await check_allocation(url, credentials, context, ca_file=table.ca_file)

    looks = [asyncio.create_task(look(url)) for url in urls[1:]]
    try:
        async with _within(urls[0], limit):
            await measure(urls[0], credentials)
        with record.phase("others"):
            await asyncio.gather(*looks)
    finally:
        for each in looks:
            each.cancel()
        await asyncio.gather(*looks, return_exceptions=True)


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
