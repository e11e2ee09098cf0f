"""One request of a security check, on a connection of its own, with a bounded answer."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import NotMeasured
from probe.kinds.security.settings import SecurityTable
from probe.net.urls import show_host

if TYPE_CHECKING:
    from probe.net.protocol.exchange import HttpResponse

REQUEST_SECONDS = 5.0
# The backend answers 429 past ten requests a second of one route: others may need some of them.
MAX_PER_WINDOW, WINDOW_SECONDS = 6, 1.0
TOO_MANY = 429


class Pace:
    """At most ``MAX_PER_WINDOW`` requests in any ``WINDOW_SECONDS``; fewer don't wait."""

    def __init__(self) -> None:
        self._begun: deque[float] = deque(maxlen=MAX_PER_WINDOW)

    async def turn(self) -> None:
        """Wait until one more request may be sent."""
        loop = asyncio.get_running_loop()
        if len(self._begun) == MAX_PER_WINDOW:
            await asyncio.sleep(max(0.0, self._begun[0] + WINDOW_SECONDS - loop.time()))
        self._begun.append(loop.time())


class SecurityReply(Struct, frozen=True):
    """Status and headers of an answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, Sequence[str]]

    def header(self, name: str) -> str:
        """The header's value, all of them where it repeats; empty without it."""
        return ", ".join(self.headers.get(name.lower(), ())).strip()

    def first(self, name: str) -> str:
        """The value of the first header of this name; empty without it."""
        return next(iter(self.headers.get(name.lower(), ())), "")


async def get(
    table: SecurityTable,
    context: Context,
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> SecurityReply:
    """The answer, whose body is not read. Raises CheckAborted; NotMeasured for a 429, which is our
    own doing, and for silence."""
    reply = await request(table, context, url, method=method, headers=headers)
    if reply.status == TOO_MANY:
        raise NotMeasured(Cause.RATE_LIMITED, f"{show_host(url)} answers 429 Too Many Requests")
    return reply


async def request(
    table: SecurityTable,
    context: Context,
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> SecurityReply:
    """The same, also of a 429. Raises NotMeasured without an answer within 10 s."""
    from probe.net.http import fresh_client

    client = fresh_client(ca_file=table.ca_file, clock=context.clock, host=show_host(url))
    try:
        async with (
            asyncio.timeout(REQUEST_SECONDS),
            client as browser,
            browser.request(method, url, headers=headers) as response,
        ):
            return _reply(response)
    except TimeoutError:
        raise NotMeasured(
            Cause.DEADLINE, f"{show_host(url)} does not answer within {REQUEST_SECONDS:g} s"
        ) from None


def _reply(response: "HttpResponse") -> SecurityReply:
    headers = {name.lower(): response.headers.getall(name) for name in response.headers}
    return SecurityReply(response.status, headers)
