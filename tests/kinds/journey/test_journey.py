"""The journey through the application: what it measures, how it fails, what it leaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import socketio

from probe.core.context import Context
from probe.core.model import Status
from probe.kinds.journey import KIND, signals
from tests.kinds.journey.journeys import PHASES, JourneyLab, journey_lab, run
from tests.turn.turn_lab import Interrupted, ending, values


@pytest.fixture
async def lab(leaks: None, tmp_path: Path) -> AsyncIterator[JourneyLab]:
    KIND.load()
    async with journey_lab(tmp_path) as started:
        yield started


@pytest.fixture
def context() -> Context:
    return Context()


async def test_two_devices_meet_call_each_other_and_leave(
    lab: JourneyLab, context: Context
) -> None:
    result = await run(lab.check(), context)
    assert result.failure is None
    assert list(result.phases) == PHASES
    found = values(result)
    steps = [found[each] for each in (signals.SIGNAL, signals.ICE, signals.DTLS, signals.OPEN)]
    assert steps == sorted(steps)
    assert 0 < found[signals.RTT] < found[signals.OPEN]
    assert (found[signals.MATCHES], found[signals.STRANGERS]) == (2, 0)
    assert await lab.is_clean(context)


async def test_a_second_match_that_comes_late_is_followed(
    lab: JourneyLab, context: Context
) -> None:
    """The first session stands until the second is told, in the middle of signaling."""
    lab.knobs.second_match = 0.7
    lab.turn.knobs.delay = 0.2
    result = await run(lab.check(), context)
    assert result.failure is None
    assert values(result)[signals.MATCHES] == 2
    assert await lab.is_clean(context)


@pytest.mark.parametrize(
    ("knobs", "phase", "cause"),
    [
        ({"match": "never"}, "match", "deadline"),
        ({"match": "refused"}, "queue", "protocol_error"),
        ({"match": "unknown"}, "queue", "protocol_error"),
        ({"match": "lost"}, "signal", "session_lost"),
        ({"match": "ends"}, "ice", "session_lost"),
        ({"token": "refused"}, "token", "http_status"),
        ({"credentials": "refused"}, "credentials", "auth_rejected"),
        ({"credentials": "empty"}, "credentials", "credentials_missing"),
        ({"credentials": "wrong"}, "ice", "auth_rejected"),
        ({"signaling": "refuses"}, "connect", "auth_rejected"),
        ({"signaling": "silent"}, "connect", "deadline"),
        ({"redis": "down"}, "connect", "deadline"),
    ],
)
async def test_a_journey_that_fails_says_where_and_why(
    lab: JourneyLab, context: Context, knobs: dict[str, str], phase: str, cause: str
) -> None:
    for name, value in knobs.items():
        setattr(lab.knobs, name, value)
    secret = None if "token" in knobs else "a secret of thirty-two bytes or more"
    deadline = 2 if cause == "deadline" else 20
    result = await run(lab.check(deadline=deadline, jwt_secret=secret), context)
    assert result.status is Status.FAILED
    assert ending(result) == (phase, cause)
    assert await lab.is_clean(context)


@pytest.mark.parametrize(
    ("knobs", "phase", "cause"),
    [
        ({"error": 486}, "ice", "allocation_quota"),
        ({"error": 403}, "ice", "peer_forbidden"),
        ({"hairpin": False}, "ice", "ice_failed"),
        ({"silent": True}, "ice", "deadline"),
    ],
)
async def test_a_relay_that_fails_in_a_journey_keeps_its_cause(
    lab: JourneyLab, context: Context, knobs: dict[str, Any], phase: str, cause: str
) -> None:
    for name, value in knobs.items():
        setattr(lab.turn.knobs, name, value)
    result = await run(lab.check(deadline=8), context)
    assert ending(result) == (phase, cause)
    for name in knobs:
        setattr(lab.turn.knobs, name, {"hairpin": True, "silent": False}.get(name))
    assert await lab.is_clean(context)


async def test_a_call_is_reported_as_a_browser_does_and_so_is_one_that_failed(
    lab: JourneyLab, context: Context
) -> None:
    assert (await run(lab.check(), context)).failure is None
    lab.turn.knobs.hairpin = False
    assert (await run(lab.check(deadline=8), context)).failure is not None
    lab.turn.knobs.hairpin = True
    connected, failed = lab.backend.signaling.statuses
    assert connected["status"] == "connected"
    assert connected["sessionId"]
    assert 0 < connected["connectionTime"] < 20_000
    assert (failed["status"], set(failed)) == ("failed", {"status", "sessionId"})
    assert await lab.is_clean(context)


class Stranger:
    """A real user who waits in another queue, and what the application tells them."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self.left_alone = asyncio.Event()

    async def on_event(self, name: str, *_: object) -> None:
        self.received.append(name)
        if name == "peer-disconnected":
            self.left_alone.set()


@asynccontextmanager
async def stranger_in_the_queue(lab: JourneyLab, queue: str = "casual") -> AsyncIterator[Stranger]:
    stranger, waiting = Stranger(), lab.backend.queue_length
    token = lab.backend.tokens.issue(f"a-real-person-{queue}", 2**31)
    async with aiohttp.ClientSession() as http:
        client = socketio.AsyncClient(reconnection=False, http_session=http)
        client.on("*", stranger.on_event, namespace="/signaling")
        await client.connect(
            lab.backend.url,
            namespaces=["/signaling"],
            transports=["websocket"],
            auth={"token": f"Bearer {token}"},
        )
        async with asyncio.timeout(30):
            while "connected" not in stranger.received:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            languages = dict.fromkeys(("language", "nativeLanguage", "learningLanguage"), "de")
            await client.emit(
                "join-queue", {"queueType": queue, **languages}, namespace="/signaling"
            )
            while lab.backend.queue_length == waiting:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        yield stranger
        await client.disconnect()


async def test_a_stranger_is_left_at_once_and_gets_nothing(
    lab: JourneyLab, context: Context
) -> None:
    lab.knobs.match = "anyone"
    async with stranger_in_the_queue(lab) as stranger:
        result = await run(lab.check(), context)
        async with asyncio.timeout(30):
            await stranger.left_alone.wait()
    assert ending(result) == ("match", "stranger_matched")
    assert values(result)[signals.STRANGERS] == 1
    assert not {"offer", "answer", "candidate", "message"} & set(stranger.received)
    assert await lab.is_clean(context)


async def test_of_two_strangers_who_wait_one_is_met_at_most(
    lab: JourneyLab, context: Context
) -> None:
    async with stranger_in_the_queue(lab) as one, stranger_in_the_queue(lab, "language") as other:
        lab.knobs.match = "anyone"
        result = await run(lab.check(), context)
    assert ending(result) == ("match", "stranger_matched")
    assert values(result)[signals.STRANGERS] == 1
    assert sorted("matched" in each.received for each in (one, other)) == [False, True]
    assert await lab.is_clean(context)


async def test_a_stranger_in_a_queue_of_another_language_is_never_met(
    lab: JourneyLab, context: Context
) -> None:
    async with stranger_in_the_queue(lab) as stranger:
        result = await run(lab.check(), context)
        assert result.failure is None
        assert "matched" not in stranger.received
    assert values(result)[signals.STRANGERS] == 0


@pytest.mark.parametrize("phase", PHASES)
async def test_a_journey_that_is_cancelled_in_any_phase_leaves_nothing(
    lab: JourneyLab, context: Context, phase: str
) -> None:
    lab.turn.knobs.delay = lab.knobs.signaling_latency = 0.02
    lab.knobs.latency = 0.05
    running = Interrupted(lab.check(jwt_secret=None), context)
    await running.reaches(phase)
    await running.cancel()
    assert await lab.is_clean(context)


@pytest.mark.parametrize("deadline", [0.02, 0.1, 0.2, 0.4, 0.8, 1.0, 1.2, 1.5])
async def test_a_deadline_at_any_moment_leaves_nothing(
    lab: JourneyLab, context: Context, deadline: float
) -> None:
    lab.turn.knobs.delay = lab.knobs.signaling_latency = 0.03
    await run(lab.check(deadline=deadline), context)
    assert await lab.is_clean(context)


async def test_two_journeys_at_the_same_time_keep_apart(lab: JourneyLab, context: Context) -> None:
    checks = [lab.check(name=f"journey-{number}") for number in range(3)]
    results = await asyncio.gather(*(run(check, context) for check in checks))
    assert [result.failure for result in results] == [None] * 3
    assert await lab.is_clean(context)
