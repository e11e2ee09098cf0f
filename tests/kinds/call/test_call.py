"""The call check where all is well: figures, labels, and what the variables give."""

import asyncio

import pytest

from probe.core.model import Status
from probe.kinds.call import KIND, signals
from probe.lab.backend import LabBackend
from probe.turn_targets.signals import BYTES
from tests.kinds.call.call_lab import (
    CALLING,
    call_check,
    coturn_check,
    lab_check,
    run,
    run_on,
)
from tests.servers.coturn import CoturnConfig, CoturnFactory
from tests.turn.turn_lab import SECRET, WAYS, TurnLab, values

JWT_SECRET = "a secret of thirty-two bytes or more"


async def test_a_direct_call_is_measured_up_to_its_echoes(leaks: None) -> None:
    result = await run(call_check(path="direct"))
    assert result.failure is None
    assert list(result.phases) == CALLING
    # No provider's bytes are spent between two ends on one host.
    assert set(KIND.signals) - {BYTES, *signals.MEDIA} <= set(values(result))


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_through_a_good_relay_is_measured(lab: TurnLab, way: str) -> None:
    result = await run_on(lab.server, lab_check(lab, way))
    assert result.failure is None
    assert list(result.phases) == ["dns", *CALLING]
    found = values(result)
    assert set(KIND.signals) - {*signals.MEDIA} <= set(found)
    times = [
        found[signal] for signal in (signals.GATHERING, signals.ICE, signals.DTLS, signals.OPEN)
    ]
    assert times == sorted(times)
    assert found[signals.SUCCESS] == 1
    assert found[signals.LOSS] == 0


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_through_coturn_is_measured(
    leaks: None, coturn: CoturnFactory, way: str
) -> None:
    result = await run(coturn_check(coturn(), way))
    assert result.failure is None
    assert set(KIND.signals) - {*signals.MEDIA} <= set(values(result))


async def test_coturn_takes_the_credentials_made_from_its_secret(
    leaks: None, coturn: CoturnFactory
) -> None:
    server = coturn(CoturnConfig(auth_secret=True))
    result = await run(coturn_check(server, shared_secret=server.secret))
    assert result.failure is None


async def test_time_limited_credentials_are_made_from_the_secret(lab: TurnLab) -> None:
    result = await run_on(lab.server, lab_check(lab, shared_secret=SECRET))
    assert result.status is Status.OK


async def test_the_echo_takes_two_round_trips_to_the_relay(lab: TurnLab) -> None:
    lab.knobs.delay = 0.02
    found = values(await run_on(lab.server, lab_check(lab)))
    assert 4 * lab.knobs.delay <= found[signals.RTT] < 0.5


async def test_ten_calls_at_once_through_one_relay_all_succeed(lab: TurnLab) -> None:
    checks = [lab_check(lab, way) for way in (*WAYS * 3, "udp")]
    results = await asyncio.gather(*(run(check) for check in checks))
    assert [result.failure for result in results] == [None] * 10
    assert lab.server.allocations == 0


async def test_a_call_through_what_the_backend_issues(lab: TurnLab) -> None:
    urls = ["stun:127.0.0.1:3478", *reversed(lab.server.urls())]
    backend = LabBackend(jwt_secret=JWT_SECRET, turn_secret=SECRET, turn_urls=urls)
    await backend.start()
    try:
        table = {"backend_url": backend.url, "ca_file": lab.ca_file}
        result = await run_on(lab.server, call_check(**table))
    finally:
        await backend.stop()
    assert result.failure is None
    assert list(result.phases) == ["token", "credentials", "dns", *CALLING]
    assert result.facts["issued"].split(", ") == lab.server.urls()
    assert values(result)[signals.SUCCESS] == 1
