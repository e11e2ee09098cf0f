"""Where other probes ask for this one's present verdicts: a token of its own, a small question,
a small answer, and not too often."""

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import SecretStr

LONGEST_BODY = 65536
# Ten probes that ask every three seconds are 3.3 a second. Strangers have a bucket of their
# own, so that they can't keep the others out.
PER_SECOND, BURST = 20.0, 40.0


class Bucket:
    """At most ``burst`` at once and ``per_second`` in the long run. ``clock`` is monotonic."""

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float]) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._left, self._at = burst, clock()

    def take(self) -> bool:
        """Take one, if there is one."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Peering:
    """The one page for other probes. ``answer`` takes a question and gives the answer, None
    for what is no question."""

    def __init__(
        self,
        token: SecretStr,
        answer: Callable[[bytes], Awaitable[bytes | None]],
        clock: Callable[[], float],
    ) -> None:
        self._right = f"Bearer {token.get_secret_value()}".encode()
        self._answer = answer
        self._friends = Bucket(PER_SECOND, BURST, clock)
        self._strangers = Bucket(PER_SECOND, BURST, clock)

    async def handle(self, request: web.Request) -> web.Response:
        """200 with the answer; 401, 429, 413 and 400 for who or what doesn't deserve one."""
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        is_friend = hmac.compare_digest(given, self._right)
        if not (self._friends if is_friend else self._strangers).take():
            return web.Response(status=429, text="Later.\n", headers={"Retry-After": "1"})
        if not is_friend:
            headers = {"WWW-Authenticate": 'Bearer realm="peer"'}
            return web.Response(status=401, text="Who are you?\n", headers=headers)
        body = await read_body(request)
        if body is None:
            return web.Response(status=413, text="That is too much.\n")
        answer = await self._answer(body)
        if answer is None:
            return web.Response(status=400, text="That is no question.\n")
        return web.Response(body=answer, content_type="application/json")


async def read_body(request: web.Request) -> bytes | None:
    """The whole body; None if it is longer than LONGEST_BODY."""
    body = b""
    while more := await request.content.read(LONGEST_BODY):
        body += more
        if len(body) > LONGEST_BODY:
            return None
    return body
