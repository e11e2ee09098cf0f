"""Everything that can go wrong on the way to a relay is told apart, and leaves nothing behind."""

import asyncio
import time

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import Status
from probe.kinds.turn import signals as turn
from probe.turn_targets import signals
from tests.turn.turn_lab import (
    PASSWORD,
    USERNAME,
    WAYS,
    Interrupted,
    TurnLab,
    ending,
    run,
    turn_check,
    values,
)

REFUSED = {
    400: "auth_rejected",
    401: "auth_rejected",
    438: "stale_nonce",
    486: "allocation_quota",
    500: "allocation_refused",
    508: "allocation_capacity",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "login",
    [
        {"username": USERNAME, "password": "wrong"},
        {"username": "nobody", "password": PASSWORD},
        {"shared_secret": "wrong"},
    ],
)
async def test_wrong_credentials_are_rejected_at_once(
    lab: TurnLab, context: Context, way: str, login: dict[str, str]
) -> None:
    result = await run(lab.check(way, **login), context)
    assert ending(result) == ("allocate", "auth_rejected")
    assert result.duration < 4.5
    assert await lab.is_clean(context)


async def test_expired_credentials_are_recognised_by_their_own_time(lab: TurnLab) -> None:
    username = f"{int(time.time()) - 100}:probe"
    result = await run(lab.check(username=username, password="any"))
    assert ending(result) == ("allocate", "credentials_expired")


async def test_missing_credentials_are_distinguished_from_wrong_ones(lab: TurnLab) -> None:
    result = await run(turn_check(url=lab.url()))
    assert ending(result) == ("allocate", "credentials_missing")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", REFUSED)
async def test_every_error_code_has_its_cause(
    lab: TurnLab, context: Context, way: str, code: int
) -> None:
    lab.knobs.error = code
    result = await run(lab.check(way), context)
    assert ending(result) == ("allocate", REFUSED[code])
    assert result.failure is not None
    assert str(code) in result.failure.message
    assert result.duration < 4.5
    assert await lab.is_clean(context)


@pytest.mark.parametrize("way", WAYS)
async def test_a_forbidden_peer_is_distinguished_from_a_refused_allocation(
    lab: TurnLab, context: Context, way: str
) -> None:
    lab.knobs.error = 403
    assert ending(await run(lab.check(way), context)) == ("permission", "peer_forbidden")
    assert await lab.is_clean(context)


async def test_a_quota_of_one_is_too_little(lab: TurnLab, context: Context) -> None:
    lab.knobs.quota = 1
    assert ending(await run(lab.check(), context)) == ("allocate", "allocation_quota")
    assert await lab.is_clean(context)


@pytest.mark.parametrize("way", WAYS)
async def test_a_hairpin_that_fails_is_reported_within_a_third_of_the_deadline(
    lab: TurnLab, context: Context, way: str
) -> None:
    lab.knobs.hairpin = False
    result = await run(lab.check(way, deadline=1.5), context)
    assert ending(result) == ("relay", "hairpin_failed")
    assert 0.5 < result.duration < 1.5
    assert signals.ALLOCATE in values(result)
    assert turn.LOSS not in values(result)
    assert await lab.is_clean(context)


@pytest.mark.parametrize("way", WAYS)
async def test_allocations_that_vanish_in_mid_run_are_lost(
    lab: TurnLab, context: Context, way: str
) -> None:
    lab.knobs.drop_after = 20
    result = await run(lab.check(way), context)
    assert ending(result) == ("server_rtt", "allocation_lost")
    assert 0 < values(result)[turn.LOSS] < 1
    assert await lab.is_clean(context)


async def test_a_documentation_address_as_relay_is_unusable(lab: TurnLab, context: Context) -> None:
    lab.knobs.relayed_address = "192.0.2.1"
    assert ending(await run(lab.check(), context)) == ("allocate", "relay_address_unusable")
    assert await lab.is_clean(context)


@pytest.mark.parametrize("way", WAYS)
async def test_silence_ends_at_the_deadline(lab: TurnLab, context: Context, way: str) -> None:
    lab.knobs.silent = True
    result = await run(lab.check(way, deadline=0.6), context)
    assert ending(result) == ("allocate", "deadline")
    assert result.duration < 4
    assert await lab.is_clean(context)


@pytest.mark.parametrize("way", WAYS)
async def test_garbage_is_no_turn(lab: TurnLab, context: Context, way: str) -> None:
    lab.knobs.garbage = True
    result = await run(lab.check(way), context)
    assert ending(result) == ("allocate", "protocol_error")
    assert result.duration < 4.5
    assert await lab.is_clean(context)


@pytest.mark.parametrize("way", WAYS)
async def test_a_server_that_goes_in_mid_run_is_reported_before_the_deadline(
    lab: TurnLab, context: Context, way: str
) -> None:
    running = Interrupted(lab.check(way, echoes=200), context)
    await running.reaches("echo")
    await lab.server.stop()
    refused = ("echo", "connect_refused")
    closed = ("echo", "connection_closed")
    assert await running.ends(within=30) == (refused if way == "udp" else closed)
    assert await lab.is_clean(context)


@pytest.mark.parametrize("deadline", [0.01, 0.05, 0.09, 0.13, 0.17, 0.25, 0.3, 0.4, 0.6, 0.9])
@pytest.mark.parametrize("way", WAYS)
async def test_a_run_that_is_cut_off_anywhere_leaves_nothing(
    lab: TurnLab, context: Context, way: str, deadline: float
) -> None:
    lab.knobs.delay = 0.03
    result = await run(lab.check(way, deadline=deadline), context)
    assert result.status in (Status.OK, Status.FAILED)
    assert await lab.is_clean(context)


@pytest.mark.parametrize("phase", ["allocate", "permission", "relay", "echo", "server_rtt"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_run_that_is_cancelled_in_any_phase_leaves_nothing(
    lab: TurnLab, context: Context, way: str, phase: str
) -> None:
    lab.knobs.delay = 0.02
    running = Interrupted(lab.check(way), context)
    await running.reaches(phase)
    await running.cancel()
    assert await lab.is_clean(context)


async def test_silence_in_mid_run_ends_at_the_deadline(lab: TurnLab, context: Context) -> None:
    running = asyncio.create_task(run(lab.check(deadline=1.5), context))
    async with asyncio.timeout(30):
        while lab.server.allocations < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    lab.knobs.silent = True
    result = await running
    assert result.failure is not None
    assert result.failure.cause is Cause.DEADLINE
    assert result.duration < 4.5
    # The server never hears of the end, so its allocations stay until theirs.
    assert await context.closing.drain(timeout=20) == 0
