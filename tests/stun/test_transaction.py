"""Only an answer that is meant for us and signed with our password ends a request."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aioice.stun import Class, Message, Method, parse_message

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.stun.transaction import LIBWEBRTC, RFC_8489, RetransmissionTimers, Transactions

KEY = b"k" * 16


class Wire:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)


@pytest.fixture
def wire() -> Wire:
    return Wire()


QUICK = RetransmissionTimers(first=0.01, longest=0.1, sends=7)


@asynccontextmanager
async def asked(
    wire: Wire, *, reliable: bool = False, key: bytes | None = KEY
) -> AsyncIterator[tuple[Transactions, Message, asyncio.Task[Message]]]:
    request = Message(Method.REFRESH, Class.REQUEST)
    under_way = Transactions(wire.send, reliable=reliable, timers=QUICK)
    task = asyncio.create_task(under_way.run(request, key))
    await asyncio.sleep(0)
    yield under_way, request, task
    task.cancel()
    await asyncio.wait({task})


def answer(
    request: Message,
    *,
    key: bytes | None = KEY,
    error: int | None = None,
    method: Method = Method.REFRESH,
    transaction_id: bytes | None = None,
) -> Message:
    kind = Class.RESPONSE if error is None else Class.ERROR
    message = Message(method, kind, transaction_id or request.transaction_id)
    if error is not None:
        message.attributes["ERROR-CODE"] = (error, "no")
    if key is not None:
        message.add_message_integrity(key)
    return parse_message(bytes(message))


async def test_a_signed_answer_ends_it(wire: Wire) -> None:
    async with asked(wire) as (under_way, request, task):
        under_way.received(answer(request))
        assert (await task).message_class == Class.RESPONSE
    assert len(wire.sent) == 1


@pytest.mark.parametrize("error", [401, 438])
async def test_a_challenge_need_not_be_signed(wire: Wire, error: int) -> None:
    async with asked(wire) as (under_way, request, task):
        under_way.received(answer(request, key=None, error=error))
        assert (await task).error_code == error


async def test_a_strangers_answer_is_ignored(wire: Wire) -> None:
    async with asked(wire) as (under_way, request, task):
        under_way.received(answer(request, transaction_id=os.urandom(12)))
        under_way.received(Message(Method.REFRESH, Class.REQUEST, request.transaction_id))
        under_way.received(answer(request))
        await task


@pytest.mark.parametrize("key", [None, b"another" * 2])
@pytest.mark.parametrize("error", [None, 486])
async def test_an_unsigned_answer_is_discarded_until_a_signed_one_comes(
    wire: Wire, key: bytes | None, error: int | None
) -> None:
    async with asked(wire) as (under_way, request, task):
        under_way.received(answer(request, key=key, error=error))
        await asyncio.sleep(0)
        assert not task.done()
        under_way.received(answer(request))
        assert (await task).message_class == Class.RESPONSE


async def test_nothing_but_bad_answers_is_the_finding(wire: Wire) -> None:
    async with asked(wire) as (under_way, request, task):
        under_way.received(answer(request, key=None))
        with pytest.raises(CheckFailed, match="not signed") as raised:
            await task
        assert raised.value.cause is Cause.PROTOCOL_ERROR
    assert len(wire.sent) == 2


async def test_on_a_stream_a_bad_answer_ends_it_at_once(wire: Wire) -> None:
    async with asked(wire, reliable=True) as (under_way, request, task):
        under_way.received(answer(request, method=Method.ALLOCATE))
        with pytest.raises(CheckFailed, match="no TURN"):
            await task


async def test_silence_is_asked_again_seven_times_at_most(wire: Wire) -> None:
    async with asked(wire) as (under_way, _, task):
        async with asyncio.timeout(5):
            while len(wire.sent) < QUICK.sends:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert under_way.retransmissions == QUICK.sends - 1
        assert len(set(wire.sent)) == 1
        assert not task.done()


@pytest.mark.parametrize(
    ("timers", "leaves_at"),
    [
        (RFC_8489, [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]),
        (LIBWEBRTC, [0, 0.25, 0.75, 1.75, 3.75, 7.75, 15.75, 23.75, 31.75]),
    ],
)
def test_who_is_not_answered_asks_again_later_and_later(
    timers: RetransmissionTimers, leaves_at: list[float]
) -> None:
    moments = [0.0]
    while (pause := timers.pause(len(moments))) is not None:
        moments.append(moments[-1] + pause)
    assert moments == leaves_at


async def test_a_stream_is_asked_once(wire: Wire) -> None:
    async with asked(wire, reliable=True):
        await asyncio.sleep(0.05)
    assert len(wire.sent) == 1


async def test_a_lost_wire_ends_this_request_and_every_later_one(wire: Wire) -> None:
    async with asked(wire) as (under_way, request, task):
        under_way.fail(CheckFailed(Cause.CONNECTION_CLOSED, "gone"))
        under_way.received(answer(request))
        with pytest.raises(CheckFailed, match="gone"):
            await task
        with pytest.raises(CheckFailed, match="gone"):
            await under_way.run(Message(Method.BINDING, Class.REQUEST), None)
