"""Round trips over UDP end when the kernel received the answer, not when this process read it."""

import asyncio
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from probe.net.resolver import resolve
from probe.stun.binding import binding_request
from probe.stun.timestamped_socket import TimestampedSocket
from probe.stun.uri import parse_stun_url

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="timestamps are Linux's")

COOKIE = 0x2112A442
BLOCKED_SECONDS = 0.4


def answer_to(request: bytes, sender: tuple[str, int]) -> bytes:
    """A Binding success with the sender's address."""
    ip = int.from_bytes(socket.inet_aton(sender[0]), "big") ^ COOKIE
    mapped = struct.pack("!HHBBHI", 0x0020, 8, 0, 1, sender[1] ^ (COOKIE >> 16), ip)
    return struct.pack("!HH", 0x0101, len(mapped)) + request[4:20] + mapped


@contextmanager
def stun_server() -> Iterator[tuple[int, list[float]]]:
    """A STUN server in a thread, so that it answers while the event loop stands still: its port,
    and when it has answered."""
    answered: list[float] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(20)

        def serve() -> None:
            request, sender = sock.recvfrom(2000)
            sock.sendto(answer_to(request, sender), sender)
            answered.append(time.monotonic())

        thread = threading.Thread(target=serve)
        thread.start()
        yield sock.getsockname()[1], answered
        thread.join()


@pytest.fixture
def stamping() -> Iterator[None]:
    """The kernel begins to take timestamps a while after the first socket has asked for them, and
    ends with the last one."""
    with (
        TimestampedSocket(socket.AF_INET) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        waited = 0.0
        while waited < 0.01:
            sender.sendto(b"x", receiver.getsockname())
            time.sleep(0.02)
            receiver.recvfrom(10)
            waited = time.monotonic() - receiver.arrived
        yield


@pytest.mark.usefixtures("stamping")
async def test_a_loop_that_stands_still_adds_nothing_to_a_round_trip() -> None:
    with stun_server() as (port, answered):
        addresses = await resolve("127.0.0.1", port)
        url = parse_stun_url(f"stun:127.0.0.1:{port}")
        asking = asyncio.create_task(binding_request(url, addresses, time.monotonic))
        began = time.monotonic()
        # The request leaves in the first steps; the answer comes while nothing is read.
        for _ in range(20):
            await asyncio.sleep(0)
        time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251  (what a starved core looks like)
        found = await asking
        assert time.monotonic() - began >= BLOCKED_SECONDS
    # A busy machine may let the server wait; the answer is there once it was sent.
    assert 0 <= found.rtt < answered[0] - began + BLOCKED_SECONDS / 4


def test_a_wall_clock_set_in_between_is_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        receiver = TimestampedSocket(socket.AF_INET)
        with receiver:
            receiver.bind(("127.0.0.1", 0))
            for step in (3600, -3600):
                sender.sendto(b"x", receiver.getsockname())
                now = time.time_ns() + step * 1_000_000_000
                monkeypatch.setattr(time, "time_ns", lambda now=now: now)
                read = time.monotonic()
                assert receiver.recvfrom(10)[0] == b"x"
                assert receiver.arrived >= read
                monkeypatch.undo()


@pytest.mark.usefixtures("stamping")
def test_what_waited_in_the_kernel_is_known_to_have_waited() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        receiver = TimestampedSocket(socket.AF_INET)
        with receiver:
            receiver.bind(("127.0.0.1", 0))
            sender.sendto(b"x", receiver.getsockname())
            sent = time.monotonic()
            time.sleep(0.3)
            receiver.recvfrom(10)
            assert receiver.arrived - sent < 0.15
