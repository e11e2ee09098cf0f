"""Asking one other probe over HTTP, within bounds."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from alerts.cluster.protocol.messages import MAX_ANSWER
from probe.net.fetch.failure import reason_of
from probe.net.flow.capped_socket import capped_connector

if TYPE_CHECKING:
    import aiohttp


class InvalidAnswer(Exception):
    """No valid answer; the text names no address and no secret."""


# Address, query and token to the answer.
Post = Callable[[str, bytes, str], Awaitable[bytes]]


class Exchanges:
    """Queries under way. A round of them ends after a while; those that have no answer by then
    go on, for a slow answer is an answer."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(
        self, exchanges: Mapping[str, Coroutine[Any, Any, None]], seconds: float
    ) -> list[str]:
        """Run all until each is over, for so long at most; the names of those that go on."""
        tasks = {asyncio.create_task(each): name for name, each in exchanges.items()}
        for task in tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        late = (await asyncio.wait(tasks, timeout=seconds))[1] if tasks else ()
        return [tasks[task] for task in late]

    def cancel(self) -> None:
        """End those that go on."""
        for task in self._tasks:
            task.cancel()


async def post_query(url: str, body: bytes, token: str) -> bytes:
    """Ask one probe. Raises InvalidAnswer."""
    from probe.net.flow.aiohttp_import import aiohttp

    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        async with (
            # No proxy: the others are neighbours.
            aiohttp.ClientSession(
                connector=capped_connector(MAX_ANSWER), trust_env=False
            ) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise InvalidAnswer(f"it answers {response.status}{_hint(response.status)}")
            return await _body(response.content)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise InvalidAnswer(reason_of(error)) from None


async def _body(content: "aiohttp.StreamReader") -> bytes:
    body = b""
    while more := await content.read(MAX_ANSWER):
        body += more
        if len(body) > MAX_ANSWER:
            raise InvalidAnswer("its answer is too long")
    return body


def _hint(status: int) -> str:
    hints = {
        401: ": PROBE_PEER_TOKEN is not the same there",
        404: ": PROBE_PEER_TOKEN is not set there",
        429: ": it is asked too often",
    }
    return hints.get(status, "")
