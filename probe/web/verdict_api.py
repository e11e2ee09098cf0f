"""Peers query this probe's verdicts here: with a token of its own, small queries and answers, and a
rate limit."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import SecretStr

from probe.web.token_bucket import TokenBucket

MAX_BODY = 65536
BODY_SECONDS = 10.0
# Ten probes that ask every three seconds are 3.3 a second. Unauthenticated requests have a bucket
# of their own, so that they can't lock out peers.
PER_SECOND, BURST = 20.0, 40.0
_NO_PEER = "Authorization: Bearer with PROBE_PEER_TOKEN is missing or wrong\n"


class TokenGate:
    """Checks the token and the rate limits; refusals become problems in ``probe.web.api.problem``.

    Unauthenticated requests have a limit of their own, so that they can't lock out peers. ``pause``
    is the Retry-After of a 429, in seconds.
    """

    def __init__(
        self,
        token: SecretStr,
        clock: Callable[[], float],
        *,
        per_second: float = PER_SECOND,
        burst: float = BURST,
        pause: int = 1,
    ) -> None:
        self._right = f"Bearer {token.get_secret_value()}".encode()
        self._pause = str(pause)
        self._authenticated = TokenBucket(per_second, burst, clock)
        self._anonymous = TokenBucket(per_second, burst, clock)

    async def enter(self, request: web.Request) -> bytes | web.Response:
        """The body of an authenticated request; otherwise 401, 429, 413 or 408."""
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        is_peer = hmac.compare_digest(given, self._right)
        if not (self._authenticated if is_peer else self._anonymous).spend():
            return web.Response(
                status=429,
                text="Too many requests: see Retry-After\n",
                headers={"Retry-After": self._pause},
            )
        if not is_peer:
            headers = {"WWW-Authenticate": 'Bearer realm="peer"'}
            return web.Response(
                status=401,
                text=_NO_PEER,
                headers=headers,
            )
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read_body(request)
        except TimeoutError:
            return web.Response(status=408, text="The body did not arrive in time\n")
        if body is None:
            return web.Response(status=413, text=f"More than {MAX_BODY} bytes of body\n")
        return body


class Peering:
    """The verdict API. ``answer`` takes a query and gives the answer, None for an invalid query."""

    def __init__(
        self,
        token: SecretStr,
        answer: Callable[[bytes], Awaitable[bytes | None]],
        clock: Callable[[], float],
    ) -> None:
        self._gate, self._answer = TokenGate(token, clock), answer

    async def handle(self, request: web.Request) -> web.Response:
        """200 with the answer; otherwise 401, 429, 413, 408 or 400."""
        query = await self._gate.enter(request)
        if isinstance(query, web.Response):
            return query
        answer = await self._answer(query)
        if answer is None:
            return web.Response(status=400, text="The body is not a question of a probe\n")
        return web.Response(body=answer, content_type="application/json")


async def _read_body(request: web.Request) -> bytes | None:
    """The whole body; None if it is longer than MAX_BODY."""
    body = b""
    while more := await request.content.read(MAX_BODY):
        body += more
        if len(body) > MAX_BODY:
            return None
    return body
