"""What a receiver of alerts, or another probe, may send before the connection ends."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from alerts.cluster.membership.client import InvalidAnswer, post_query
from alerts.model import NotifyError
from alerts.notifiers.base import MAX_ANSWER, post
from alerts.notifiers.slack_client import call_method, post_webhook
from probe.net.flow.capped_socket import BESIDE_BODY
from tests.hostile.floods import web_once
from tests.hostile.servers import Behaviour, serving

BLOCK = 64 << 10
# Besides what is read, the kernel takes what its buffers hold: 4 MiB to send, 6 to receive.
IN_BUFFERS = 12 << 20
ENOUGH = 64 << 20
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
FLOODS = {
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "header lines": (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "cookies": (b"HTTP/1.1 200 OK\r\n", b"Set-Cookie: a=b\r\n"),
    "chunks": (CHUNKED, b"1000\r\n" + bytes(4096) + b"\r\n"),
    "chunks of a byte": (CHUNKED, b"1\r\na\r\n"),
    "trailers": (CHUNKED + b"0\r\n", b"X-T: a\r\n"),
    "a body": (b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
    "a body of an error": (b"HTTP/1.1 500 Oh\r\n\r\n", b"a"),
}
Client = Callable[[str], Awaitable[object]]
CLIENTS: dict[str, Client] = {
    "any receiver": lambda url: post(url, json={"text": "a"}),
    "Slack's webhook": lambda url: post_webhook(url, {"text": "a"}),
    "Slack's API": lambda url: call_method(url, "xoxb-t", "chat.postMessage", {"text": "a"}),
    "another probe": lambda url: post_query(url, b"{}", "token"),
}


def flooding(head: bytes, part: bytes, sent: list[int]) -> Behaviour:
    """Answers, then sends this without end; counts the bytes of each connection."""
    block = part * (BLOCK // len(part))

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        sent.append(0)
        while sent[-1] < ENOUGH:
            writer.write(block)
            await writer.drain()
            sent[-1] += len(block)

    return behave


SHORT = {("Slack's API", "chunks"), ("another probe", "100 Continue"), ("another probe", "a body")}
PAIRS = [
    pytest.param(
        *(client, flood),
        marks=[] if client == "any receiver" or (client, flood) in SHORT else [pytest.mark.proof],
    )
    for client in CLIENTS
    for flood in FLOODS
]


@pytest.mark.parametrize(("client", "flood"), PAIRS)
async def test_a_receiver_that_floods_is_given_up_long_before_its_deadline(
    client: str, flood: str
) -> None:
    sent: list[int] = []
    async with serving(flooding(*FLOODS[flood], sent)) as port, asyncio.timeout(60):
        with suppress(NotifyError, InvalidAnswer):
            await CLIENTS[client](f"http://127.0.0.1:{port}/")
    assert sent
    assert max(sent) <= MAX_ANSWER + BESIDE_BODY + IN_BUFFERS


async def test_the_reason_says_that_the_answer_is_too_long() -> None:
    sent: list[int] = []
    async with serving(flooding(*FLOODS["100 Continue"], sent)) as port:
        with pytest.raises(NotifyError, match="the answer is too long"):
            await post(f"http://127.0.0.1:{port}/", json={})


@pytest.mark.parametrize("client", CLIENTS)
async def test_brackets_without_end_are_no_error_of_our_own(client: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
    async with serving(web_once(head + b"[" * 60000)) as port:
        answer = await CLIENTS[client](f"http://127.0.0.1:{port}/")
    assert answer


async def test_no_coding_is_asked_for_and_none_is_undone() -> None:
    asked: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nbad")
        await writer.drain()
        await reader.read()

    async with serving(behave) as port:
        answer = await post(f"http://127.0.0.1:{port}/", json={})
    assert answer.text == "bad"
    assert b"accept-encoding: identity" in asked[0].lower()
