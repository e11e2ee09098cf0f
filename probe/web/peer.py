"""Where other probes call this one: ``POST /peer``, offer in, answer out, by the same token that
opens the door to verdicts."""

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import SecretStr

from probe.web.peering import Bucket, read_body

# A probe calls once in a quarter of an hour for each provider, twice each time; after a failure
# every minute. Ten of them are a third of an offer in a second.
PER_SECOND, BURST = 1.0, 20.0

Answer = Callable[[bytes], Awaitable[tuple[int, bytes, int]]]


class PeerCalls:
    """``answer`` takes an offer and gives a status, a body, and after how many seconds to come
    again (0: nothing is said of that)."""

    def __init__(self, token: SecretStr, answer: Answer, clock: Callable[[], float]) -> None:
        self._right = f"Bearer {token.get_secret_value()}".encode()
        self._answer = answer
        # Strangers can't keep the others out.
        self._friends = Bucket(PER_SECOND, BURST, clock)
        self._strangers = Bucket(PER_SECOND, BURST, clock)

    async def handle(self, request: web.Request) -> web.Response:
        """200 with the answer; 401, 429, 413, 409 and 400 for who or what doesn't get one."""
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        is_friend = hmac.compare_digest(given, self._right)
        if not (self._friends if is_friend else self._strangers).take():
            return web.Response(status=429, text="Later.\n", headers={"Retry-After": "2"})
        if not is_friend:
            headers = {"WWW-Authenticate": 'Bearer realm="peer"'}
            return web.Response(status=401, text="Who are you?\n", headers=headers)
        body = await read_body(request)
        if body is None:
            return web.Response(status=413, text="That is too much.\n")
        status, answer, pause = await self._answer(body)
        kind = "application/json" if status == 200 else "text/plain"
        again = {"Retry-After": str(pause)} if pause else {}
        return web.Response(status=status, body=answer, content_type=kind, headers=again)
