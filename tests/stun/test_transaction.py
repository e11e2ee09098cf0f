"""Only an answer that is meant for us and signed with our password ends a request."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.stun.codec import MessageClass, Method, StunMessage, decode
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
) -> AsyncIterator[tuple[Transactions, StunMessage, asyncio.Task[StunMessage]]]:
    request = StunMessage(Method.REFRESH, MessageClass.REQUEST)
    under_way = Transactions(wire.send, reliable=reliable, timers=QUICK)
    task = asyncio.create_task(under_way.run(request, key))
    await asyncio.sleep(0)
    yield under_way, request, task
    task.cancel()
    await asyncio.wait({task})


def answer(
    request: StunMessage,
    *,
    key: bytes | None = KEY,
    error: int | None = None,
    method: Method = Method.REFRESH,
    transaction_id: bytes | None = None,
) -> StunMessage:
    kind = MessageClass.RESPONSE if error is None else MessageClass.ERROR
    attributes = {} if error is None else {"ERROR-CODE": (error, "no")}
    message = StunMessage(method, kind, attributes, transaction_id or request.transaction_id)
    return decode(message.encode(key))


async def test_a_signed_answer_ends_it(wire: Wire) -> None:
    async with asked(wire) as (under_way, request, task):
        under_way.received(answer(request))
        assert (await task).message_class == MessageClass.RESPONSE
    assert len(wire.sent) == 1


@pytest.mark.parametrize("reliable", [False, True])
@pytest.mark.parametrize("error", [300, 400, 401, 437, 438, 486, 508])
async def test_an_error_need_not_be_signed(wire: Wire, error: int, *, reliable: bool) -> None:
    async with asked(wire, reliable=reliable) as (under_way, request, task):
        under_way.received(answer(request, key=None, error=error))
        assert (await task).error_code == error


async def test_a_strangers_answer_is_ignored(wire: Wire) -> None:
    async with asked(wire) as (under_way, request, task):
        under_way.received(answer(request, transaction_id=os.urandom(12)))
        question = StunMessage(Method.REFRESH, MessageClass.REQUEST, {}, request.transaction_id)
        under_way.received(question)
        under_way.received(answer(request))
        await task


@pytest.mark.parametrize("key", [None, b"another" * 2])
async def test_an_unsigned_success_is_discarded_until_a_signed_one_comes(
    wire: Wire, key: bytes | None
) -> None:
    async with asked(wire) as (under_way, request, task):
        under_way.received(answer(request, key=key))
        await asyncio.sleep(0)
        assert not task.done()
        under_way.received(answer(request))
        assert (await task).message_class == MessageClass.RESPONSE


async def test_nothing_but_bad_answers_is_the_finding(wire: Wire) -> None:
    async with asked(wire) as (under_way, request, task):
        under_way.received(answer(request, key=None))
        with pytest.raises(CheckFailed, match="not signed") as raised:
            await task
        assert raised.value.cause is Cause.PROTOCOL_ERROR
    assert len(wire.sent) == 2


async def test_on_a_stream_a_bad_answer_is_asked_again_once(wire: Wire) -> None:
    async with asked(wire, reliable=True) as (under_way, request, task):
        under_way.received(answer(request, method=Method.ALLOCATE))
        async with asyncio.timeout(30):
            while len(wire.sent) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not task.done()
        under_way.received(answer(request, method=Method.ALLOCATE))
        with pytest.raises(CheckFailed, match="not TURN"):
            await task


@pytest.mark.parametrize("reliable", [False, True])
async def test_an_error_without_its_code_ends_it_at_once(wire: Wire, reliable: bool) -> None:
    async with asked(wire, reliable=reliable) as (under_way, request, task):
        bare = StunMessage(request.method, MessageClass.ERROR, {}, request.transaction_id)
        under_way.received(bare)
        with pytest.raises(CheckFailed, match="without its code"):
            await task


async def test_silence_is_asked_again_seven_times_at_most(wire: Wire) -> None:
    async with asked(wire) as (under_way, _, task):
        async with asyncio.timeout(30):
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
            await under_way.run(StunMessage(Method.BINDING, MessageClass.REQUEST), None)


async def test_an_attribute_that_must_be_understood_fails_the_request_at_once(wire: Wire) -> None:
    async with asked(wire) as (under_way, request, task):
        message = answer(request)
        message.unknown_required = (0x7ABC,)
        under_way.received(message)
        with pytest.raises(CheckFailed, match="0x7abc") as raised:
            await task
        assert raised.value.cause is Cause.PROTOCOL_ERROR


async def test_garbage_on_a_stream_is_reported_at_once(wire: Wire) -> None:
    async with asked(wire, reliable=True) as (under_way, _, task):
        under_way.unparsable_received()
        with pytest.raises(CheckFailed, match="not TURN"):
            await task


async def test_an_answer_that_can_not_be_read_ends_its_request_alone(wire: Wire) -> None:
    async with asked(wire, reliable=True) as (under_way, request, task):
        under_way.answered = True
        under_way.unparsable_received(b"another id..")
        await asyncio.sleep(0)
        assert not task.done()
        under_way.unparsable_received(request.transaction_id)
        with pytest.raises(CheckFailed, match="not a valid STUN"):
            await task
