"""The answering side: few calls, short ones, none left behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.ice.aioice_agent import AioiceAgent, IceServers
from probe.ice.candidate import MAX_BODY, SessionDescription, read, write
from probe.peer import answerer
from probe.peer.answerer import MAX_CALLS, CallAnswerer
from probe.peer.call import OutgoingCall, identity_of
from probe.stun.browser_timing import PhaseTimeouts
from probe.stun.transport import untimed
from tests.ice.test_candidate import WORDS, with_


async def no_servers(_: str) -> IceServers:
    return IceServers()


@pytest.fixture
async def engine(leaks: None) -> AsyncIterator[CallAnswerer]:
    context = Context()
    engine = CallAnswerer(context, identity_of(context, "0.1.0", "fra"), no_servers)
    yield engine
    await engine.close()
    assert await context.closing.drain(timeout=20) == 0
    assert engine.calls == 0


async def test_an_offer_is_answered_with_this_side(engine: CallAnswerer) -> None:
    reply = await engine.answer(with_())
    assert reply.status == 200
    answer = read(reply.body)
    assert (answer.region, answer.version, answer.path) == ("fra", "0.1.0", "direct")
    assert engine.calls == 1


async def test_no_more_than_a_few_calls_at_once(engine: CallAnswerer) -> None:
    replies = await asyncio.gather(*(engine.answer(with_()) for _ in range(MAX_CALLS + 3)))
    statuses = [reply.status for reply in replies]
    assert (statuses.count(200), statuses.count(429)) == (MAX_CALLS, 3)
    assert all(reply.retry_after for reply in replies if reply.status == 429)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"nonsense", 400),
        (json.dumps({"schema": 1}).encode(), 400),
        (with_(schema=2), 409),
        (b"x" * (MAX_BODY + 1), 413),
    ],
)
async def test_what_is_no_offer_gets_a_reason_and_no_call(
    engine: CallAnswerer, body: bytes, status: int
) -> None:
    reply = await engine.answer(body)
    assert reply.status == status
    assert engine.calls == 0
    if status == 409:
        assert b"version 0.1.0" in reply.body


async def test_a_caller_that_never_comes_is_waited_for_a_while(
    engine: CallAnswerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answerer, "_BOUNDS", PhaseTimeouts(ice=0.2))
    assert (await engine.answer(with_())).status == 200
    async with asyncio.timeout(30):
        while engine.calls:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def call_and_echo(engine: CallAnswerer, context: Context) -> OutgoingCall:
    ice = AioiceAgent(IceServers(), controlling=True, clock=context.clock)
    call = OutgoingCall(ice, untimed, context)

    async def ring(offer: SessionDescription) -> SessionDescription:
        return read((await engine.answer(write(offer))).body)

    await call.make(identity_of(context, "0.1.0", ""), "direct", "", ring, PhaseTimeouts())
    await call.echo(2)
    return call


async def test_a_call_over_which_nothing_comes_is_over(
    engine: CallAnswerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answerer, "IDLE_SECONDS", 0.2)
    context = Context()
    call = await call_and_echo(engine, context)
    async with asyncio.timeout(30):
        while engine.calls:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await call.__aexit__()
    assert await context.closing.drain(timeout=20) == 0


async def test_no_call_lasts_for_ever(
    engine: CallAnswerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answerer, "CALL_SECONDS", 1.0)
    context = Context()
    call = await call_and_echo(engine, context)
    async with asyncio.timeout(30):
        while engine.calls:
            with suppress(CheckFailed):  # at the end nobody echoes any more
                await call.echo(1)
    await call.__aexit__()
    assert await context.closing.drain(timeout=20) == 0


async def test_a_call_that_floods_is_ended(
    engine: CallAnswerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answerer, "MAX_BYTES", 20_000)
    context = Context()
    call = await call_and_echo(engine, context)
    assert engine.calls == 1
    with suppress(CheckFailed):
        await call.echo(100)
    async with asyncio.timeout(answerer.IDLE_SECONDS):
        while engine.calls:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await call.__aexit__()
    assert await context.closing.drain(timeout=20) == 0


async def test_a_region_may_have_any_letters(leaks: None) -> None:
    context = Context()
    engine = CallAnswerer(context, identity_of(context, "0.1.0", "Zürich"), no_servers)
    reply = await engine.answer(with_())
    assert read(reply.body).region == "Z?rich"
    await engine.close()
    assert await context.closing.drain(timeout=20) == 0


async def test_a_call_that_ends_as_it_begins_closes_its_end(engine: CallAnswerer) -> None:
    answering_one = asyncio.create_task(engine.answer(with_()))
    while not engine.calls:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await engine.close()
    await answering_one


async def test_a_certificate_that_was_not_announced_is_not_accepted(
    engine: CallAnswerer,
) -> None:
    """The answer's fingerprint is what the caller holds the certificate against."""
    context = Context()
    ice = AioiceAgent(IceServers(), controlling=True, clock=context.clock)
    call = OutgoingCall(ice, untimed, context)

    async def ring(offer: SessionDescription) -> SessionDescription:
        answer = read((await engine.answer(write(offer))).body)
        return answer.model_copy(update={"fingerprint": WORDS["fingerprint"]})

    async with call:
        with pytest.raises(CheckFailed, match="DTLS"):
            await call.make(identity_of(context, "0.1.0", ""), "direct", "", ring, PhaseTimeouts())
    assert await context.closing.drain(timeout=20) == 0
