"""Where other probes call this one: ``POST /peer``, offer in, answer out, with the same token as
the verdict API."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import SecretStr

from probe.web.verdict_api import TokenGate

# A probe calls once in a quarter of an hour for each provider, twice each time; after a failure
# every minute. Ten of them are a third of an offer in a second.
PER_SECOND, BURST = 1.0, 20.0

Answer = Callable[[bytes], Awaitable[tuple[int, bytes, int]]]


class PeerCalls:
    """``answer`` takes an offer and gives a status, a body, and the Retry-After in seconds (0:
    none)."""

    def __init__(self, token: SecretStr, answer: Answer, clock: Callable[[], float]) -> None:
        self._gate = TokenGate(token, clock, per_second=PER_SECOND, burst=BURST, pause=2)
        self._answer = answer

    async def handle(self, request: web.Request) -> web.Response:
        """200 with the answer; otherwise 401, 429, 413, 409 or 400."""
        body = await self._gate.enter(request)
        if isinstance(body, web.Response):
            return body
        status, answer, pause = await self._answer(body)
        kind = "application/json" if status == 200 else "text/plain"
        again = {"Retry-After": str(pause)} if pause else {}
        return web.Response(status=status, body=answer, content_type=kind, headers=again)
