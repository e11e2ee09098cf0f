"""Asking one other probe over HTTP, within bounds."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from alerts.cluster.protocol import LONGEST_ANSWER

if TYPE_CHECKING:
    import aiohttp


class InvalidAnswer(Exception):
    """No valid answer; the text names no address and no secret."""


# Address, question and token to the answer.
Post = Callable[[str, bytes, str], Awaitable[bytes]]


async def post_question(url: str, body: bytes, token: str) -> bytes:
    """Ask one probe. Raises InvalidAnswer."""
    import aiohttp

    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        async with (
            # No proxy: the others are neighbours.
            aiohttp.ClientSession(trust_env=False) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise InvalidAnswer(f"it answers {response.status}{_hint(response.status)}")
            return await _body(response.content)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise InvalidAnswer(type(error).__name__) from None


async def _body(content: "aiohttp.StreamReader") -> bytes:
    body = b""
    while more := await content.read(LONGEST_ANSWER):
        body += more
        if len(body) > LONGEST_ANSWER:
            raise InvalidAnswer("its answer is too long")
    return body


def _hint(status: int) -> str:
    hints = {
        401: ": PROBE_PEER_TOKEN is not the same there",
        404: ": PROBE_PEER_TOKEN is not set there",
        429: ": it is asked too often",
    }
    return hints.get(status, "")
