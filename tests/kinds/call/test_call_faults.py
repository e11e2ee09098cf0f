"""The call check where something is wrong: each failure with its phase and cause, in time."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from probe.core.context import Context
from probe.core.model import Status
from probe.kinds.call import signals
from probe.lab.certificates import Authority, expired, untrusted, wrong_name
from tests.kinds.call.call_lab import call_check, lab_check, run, run_on
from tests.turn.turn_lab import (
    HOST,
    PASSWORD,
    USERNAME,
    WAYS,
    Interrupted,
    TurnLab,
    ending,
    turn_lab,
    values,
)

# A quarter of the usual deadline, and with it of every phase's bound.
SHORT = 5.0


@pytest.fixture
async def mortal_lab(tmp_path: Path) -> AsyncIterator[TurnLab]:
    """A lab that may die: it is asked for a second to delete an allocation, which nobody has
    to wait for."""
    async with turn_lab(tmp_path) as started:
        yield started


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "login",
    [
        {"username": USERNAME, "password": "wrong"},
        {"username": "nobody", "password": PASSWORD},
        {"shared_secret": "wrong"},
    ],
    ids=["password", "user", "secret"],
)
async def test_wrong_credentials_are_rejected_at_once(
    lab: TurnLab, way: str, login: dict[str, str]
) -> None:
    result = await run_on(lab.server, lab_check(lab, way, **login))
    assert ending(result) == ("gathering", "auth_rejected")
    assert result.duration < 4.5
    assert values(result)[signals.SUCCESS] == 0


async def test_expired_credentials_are_recognised_by_their_own_time(lab: TurnLab) -> None:
    username = f"{int(time.time()) - 100}:probe"
    result = await run_on(lab.server, lab_check(lab, username=username, password="any"))
    assert ending(result) == ("gathering", "credentials_expired")


async def test_without_credentials_no_call_is_tried(lab: TurnLab) -> None:
    result = await run(call_check(url=lab.url()))
    assert result.failure is not None
    assert result.failure.cause == "credentials_missing"
    assert result.status is Status.UNKNOWN
    assert sum(sample.value for sample in result.samples) == 0, "not a byte was sent"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (400, "auth_rejected"),
        (438, "stale_nonce"),
        (486, "allocation_quota"),
        (500, "allocation_refused"),
        (508, "allocation_capacity"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
async def test_an_error_code_at_allocating_has_its_cause(
    lab: TurnLab, way: str, code: int, cause: str
) -> None:
    lab.knobs.error = code
    result = await run_on(lab.server, lab_check(lab, way))
    assert ending(result) == ("gathering", cause)
    assert result.duration < 4.5


async def test_a_quota_of_one_is_too_little_for_a_call(lab: TurnLab) -> None:
    lab.knobs.quota = 1
    result = await run_on(lab.server, lab_check(lab))
    assert ending(result) == ("gathering", "allocation_quota")


@pytest.mark.parametrize("way", WAYS)
async def test_a_silent_server_is_reported_in_gathering(lab: TurnLab, way: str) -> None:
    lab.knobs.silent = True
    result = await run_on(lab.server, lab_check(lab, way, deadline=SHORT))
    assert ending(result) == ("gathering", "deadline")
    assert result.duration < SHORT


async def test_with_the_usual_deadline_silence_is_reported_while_a_user_waits(lab: TurnLab) -> None:
    lab.knobs.silent = True
    result = await run_on(lab.server, lab_check(lab))
    assert ending(result) == ("gathering", "deadline")
    assert result.duration < 20


@pytest.mark.parametrize("way", WAYS)
async def test_a_server_that_is_gone_refuses(lab: TurnLab, way: str) -> None:
    check = lab_check(lab, way, deadline=SHORT)
    await lab.server.stop()
    result = await run(check)
    assert ending(result) == ("gathering", "connect_refused")
    assert result.duration < 4.5


@pytest.mark.parametrize(
    "certificate",
    [
        wrong_name,
        lambda authority: expired(authority, [HOST]),
        lambda _: untrusted([HOST]),
    ],
    ids=["wrong name", "expired", "untrusted"],
)
async def test_a_bad_certificate_is_reported_in_gathering(
    leaks: None, tmp_path: Path, certificate: Callable[[Authority], ssl.SSLContext]
) -> None:
    async with turn_lab(tmp_path, certificate=certificate) as lab:
        result = await run_on(lab.server, lab_check(lab, "tls"))
        assert ending(result) == ("gathering", "tls_invalid")
        assert result.duration < 4.5


@pytest.mark.parametrize(
    ("host", "cause"),
    [
        ("no-such-host.invalid", "dns_failed"),
        ("192.0.2.1", "address_reserved"),
        ("[2001:db8::1]", "address_reserved"),
    ],
)
async def test_names_and_addresses_that_lead_nowhere(leaks: None, host: str, cause: str) -> None:
    result = await run(call_check(url=f"turn:{host}:3478", username="u", password="p"))
    assert ending(result) == ("dns", cause)
    assert values(result)[signals.SUCCESS] == 0


@pytest.mark.parametrize("way", WAYS)
async def test_a_forbidden_peer_is_distinguished_from_a_path_that_fails(
    lab: TurnLab, way: str
) -> None:
    lab.knobs.error = 403
    result = await run_on(lab.server, lab_check(lab, way, deadline=SHORT))
    assert ending(result) == ("ice", "peer_forbidden")
    assert result.duration < SHORT


@pytest.mark.parametrize("way", WAYS)
async def test_a_hairpin_that_fails_is_reported_before_the_deadline(lab: TurnLab, way: str) -> None:
    lab.knobs.hairpin = False
    result = await run_on(lab.server, lab_check(lab, way, deadline=SHORT))
    assert ending(result) == ("ice", "hairpin_failed")
    assert result.duration < SHORT
    found = values(result)
    assert found[signals.SUCCESS] == 0
    assert signals.GATHERING in found
    assert signals.ICE not in found


async def test_a_relayed_address_that_no_one_can_have_is_reported(lab: TurnLab) -> None:
    lab.knobs.relayed_address = "192.0.2.1"
    result = await run_on(lab.server, lab_check(lab, deadline=SHORT))
    assert ending(result) == ("gathering", "relay_address_unusable")


@pytest.mark.parametrize("way", WAYS)
async def test_a_server_that_goes_between_allocating_and_ice_is_reported(
    mortal_lab: TurnLab, way: str
) -> None:
    mortal_lab.knobs.delay = 0.1
    context = Context()
    running = Interrupted(lab_check(mortal_lab, way, deadline=SHORT), context)
    await running.reaches("ice")
    await mortal_lab.server.stop()
    cause = "connect_refused" if way == "udp" else "connection_closed"
    assert await running.ends(within=SHORT) == ("ice", cause)
    await context.closing.drain(timeout=0)


async def test_a_server_that_falls_silent_before_ice_is_reported_before_the_deadline(
    mortal_lab: TurnLab,
) -> None:
    # Slow enough that the checks of ICE are still on their way when it falls silent.
    mortal_lab.knobs.delay = 0.1
    context = Context()
    running = Interrupted(lab_check(mortal_lab, deadline=SHORT), context)
    await running.reaches("ice")
    mortal_lab.knobs.silent = True
    assert await running.ends(within=SHORT) == ("ice", "deadline")
    await context.closing.drain(timeout=0)


async def test_a_server_that_goes_in_mid_call_is_reported(mortal_lab: TurnLab) -> None:
    context = Context()
    running = Interrupted(lab_check(mortal_lab, echoes=50), context)
    await running.reaches("echo")
    await mortal_lab.server.stop()
    ended = await running.ends(within=5)
    assert ended == ("echo", "connect_refused")
    await context.closing.drain(timeout=0)


async def test_much_loss_gives_a_call_or_a_failure_with_a_name(lab: TurnLab) -> None:
    lab.knobs.loss, lab.knobs.seed = 0.3, 1
    checks = [lab_check(lab, deadline=20.0) for _ in range(6)]
    results = await asyncio.gather(*(run(check) for check in checks))
    causes = {result.failure.cause.value for result in results if result.failure}
    named = {"ice_failed", "dtls_failed", "data_channel_failed", "relay_loss", "hairpin_failed"}
    assert causes <= named
    assert all(result.duration < 20.0 for result in results)
    assert lab.server.allocations == 0


async def test_a_machine_with_loopback_alone_measures_no_direct_call(
    leaks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: [])
    result = await run(call_check(path="direct"))
    assert result.status is Status.UNKNOWN
    assert ending(result) == ("gathering", "own_network")
    assert result.samples == ()
