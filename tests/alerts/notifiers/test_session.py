"""What is left of an attempt at a delivery that was given up: nothing."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from alerts.model import NotifyError
from alerts.notifiers.base import HttpAnswer, post
from alerts.notifiers.slack_client import call_method

# More than the receiver's buffer takes, less than the sender's does.
BODY = b"x" * 24_000


def _listening() -> socket.socket:
    """A receiver that accepts connections in the kernel alone, and few bytes of each."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening


def _read_to_the_end(connection: socket.socket) -> bytes:
    """All that comes. Raises ConnectionResetError."""
    connection.settimeout(10)
    got = b""
    while more := connection.recv(4096):
        got += more
    return got


async def test_an_attempt_that_is_given_up_is_not_delivered_later() -> None:
    with _listening() as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        sending = asyncio.create_task(post(url, body=BODY))
        connection, _ = await asyncio.to_thread(listening.accept)
        with connection:
            await asyncio.to_thread(connection.recv, 1, socket.MSG_PEEK)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            with pytest.raises(ConnectionResetError):
                await asyncio.to_thread(_read_to_the_end, connection)


async def _by_slack(url: str, body: bytes) -> HttpAnswer:
    return await call_method(url, "t0ken", "chat.postMessage", {"text": body.decode()})


@pytest.mark.parametrize("send", [post, _by_slack])
async def test_an_attempt_that_was_answered_ends_its_connection_in_order(
    send: Callable[..., Awaitable[HttpAnswer]],
) -> None:
    with _listening() as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        sending = asyncio.ensure_future(send(url, body=b"{}"))
        connection, _ = await asyncio.to_thread(listening.accept)
        with connection:
            connection.settimeout(10)
            got = b""
            while not got.endswith(b"}"):
                got += await asyncio.to_thread(connection.recv, 4096)
            connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            assert (await sending).status == 202
            assert await asyncio.to_thread(_read_to_the_end, connection) == b""


async def test_an_answer_that_is_none_is_the_receivers_error() -> None:
    with _listening() as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        sending = asyncio.create_task(post(url, body=b"{}"))
        connection, _ = await asyncio.to_thread(listening.accept)
        with connection:
            await asyncio.to_thread(connection.recv, 4096)
        with pytest.raises(NotifyError, match="closed without a whole answer"):
            await sending
