"""Where other probes ask for this one's present verdicts: a token of its own, a small question,
a small answer, and not too often."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import SecretStr

from probe.web.token_bucket import TokenBucket

LONGEST_BODY = 65536
BODY_SECONDS = 10.0
# Ten probes that ask every three seconds are 3.3 a second. Strangers have a bucket of their
# own, so that they can't keep the others out.
PER_SECOND, BURST = 20.0, 40.0


class TokenGate:
    """Lets in who has the token, and neither friends nor strangers too often.

    Strangers have a budget of their own, so that they can't keep the others out. ``pause`` is
    after how many seconds one who comes too often is to come again.
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
        self._friends = TokenBucket(per_second, burst, clock)
        self._strangers = TokenBucket(per_second, burst, clock)

    async def enter(self, request: web.Request) -> bytes | web.Response:
        """The body of who may come in; else 401, 429, 413 or 408."""
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        is_friend = hmac.compare_digest(given, self._right)
        if not (self._friends if is_friend else self._strangers).spend():
            return web.Response(
                status=429, text="Too many requests\n", headers={"Retry-After": self._pause}
            )
        if not is_friend:
            headers = {"WWW-Authenticate": 'Bearer realm="peer"'}
            return web.Response(status=401, text="Unauthorized\n", headers=headers)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read_body(request)
        except TimeoutError:
            return web.Response(status=408, text="Request timeout\n")
        return web.Response(status=413, text="Payload too large\n") if body is None else body


class Peering:
    """The one page for other probes. ``answer`` takes a question and gives the answer, None
    for what is no question."""

    def __init__(
        self,
        token: SecretStr,
        answer: Callable[[bytes], Awaitable[bytes | None]],
        clock: Callable[[], float],
    ) -> None:
        self._door, self._answer = TokenGate(token, clock), answer

    async def handle(self, request: web.Request) -> web.Response:
        """200 with the answer; 401, 429, 413, 408 and 400 for who or what doesn't deserve one."""
        question = await self._door.enter(request)
        if isinstance(question, web.Response):
            return question
        answer = await self._answer(question)
        if answer is None:
            return web.Response(status=400, text="Bad request\n")
        return web.Response(body=answer, content_type="application/json")


async def _read_body(request: web.Request) -> bytes | None:
    """The whole body; None if it is longer than LONGEST_BODY."""
    body = b""
    while more := await request.content.read(LONGEST_BODY):
        body += more
        if len(body) > LONGEST_BODY:
            return None
    return body
