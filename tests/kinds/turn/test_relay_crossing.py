"""From one provider's relay to another's and back: measured, and judged apart from both ends."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from probe.config.check_plan import make_plan
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.kind import Check
from probe.core.model import Result, Status
from probe.kinds import KINDS, crossing
from probe.lab import Lab
from probe.turn_targets.signals import BYTES
from tests.servers.coturn import CoturnConfig, CoturnFactory
from tests.turn.turn_lab import WAYS, ending, run, values


@pytest.fixture
async def lab(leaks: None) -> AsyncIterator[Lab]:
    async with Lab() as started:
        yield started


def planned(variables: dict[str, str]) -> list[Check]:
    plan = make_plan(KINDS, Variables(variables), {})
    return [check for check in plan.checks if check.kind.name == "crossing"]


def check_of(lab: Lab, way: str = "udp", **table: Any) -> Check:
    known = lab.environment()
    place = WAYS.index(way)
    for name in ("TURN_URLS", "TURN_BACKUP_URLS"):
        known[name] = known[name].split(",")[place]
    (check,) = planned(known)
    return Check(check.kind, check.table.model_copy(update={"deadline": 4.0, **table}))


def spent(result: Result) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["provider"], sample.labels["direction"]): sample.value
        for sample in result.samples
        if sample.signal.name == BYTES.name
    }


async def is_clean(lab: Lab, context: Context) -> bool:
    late = await context.closing.drain(timeout=3)
    return late == lab.primary.allocations == lab.backup.allocations == 0


@pytest.mark.parametrize("way", WAYS)
async def test_packets_cross_and_both_providers_pay_half(
    lab: Lab, context: Context, way: str
) -> None:
    check = check_of(lab, way)
    result = await run(check, context)
    assert result.failure is None
    found = {signal.name: value for signal, value in values(result).items()}
    assert found[crossing.LOSS.name] == 0
    assert 0 < found[crossing.RTT.name] < 1
    assert set(result.facts) == {"near", "far"}
    assert check.table.labels == {"near": "primary", "far": "backup"}
    parts = spent(result)
    assert {provider for provider, _ in parts} == {"primary", "backup"}
    assert all(4000 < value < 15_000 for value in parts.values())
    assert await is_clean(lab, context)


async def test_a_hairpin_that_fails_is_no_fault_of_the_path_between_two_relays(
    lab: Lab, context: Context
) -> None:
    lab.primary.knobs.hairpin = lab.backup.knobs.hairpin = False
    assert (await run(check_of(lab), context)).status is Status.OK


@pytest.mark.parametrize("end", ["primary", "backup"])
async def test_a_relayed_address_that_no_one_reaches_is_reported(
    lab: Lab, context: Context, end: str
) -> None:
    getattr(lab, end).knobs.relayed_address = "127.0.0.9"
    result = await run(check_of(lab, deadline=1.5), context)
    assert ending(result) == ("relay", "relay_unreachable")
    assert result.duration < 3
    assert await is_clean(lab, context)


@pytest.mark.parametrize("end", ["primary", "backup"])
async def test_without_both_ends_there_is_no_path_to_judge(
    lab: Lab, context: Context, end: str
) -> None:
    getattr(lab, end).knobs.error = 508
    check = check_of(lab)
    result = await run(check, context)
    assert result.status is Status.UNKNOWN
    assert ending(result) == ("allocate", "allocation_capacity")
    assert result.failure is not None
    lacking = (lab.primary if end == "primary" else lab.backup).urls()[0]
    assert lacking in result.failure.message
    assert await is_clean(lab, context)


@pytest.mark.parametrize("end", ["primary", "backup"])
async def test_an_end_that_is_silent_is_not_the_paths_fault(
    lab: Lab, context: Context, end: str
) -> None:
    getattr(lab, end).knobs.silent = True
    result = await run(check_of(lab, deadline=2.0), context)
    assert result.status is Status.UNKNOWN
    assert ending(result) == ("allocate", "deadline")
    assert result.failure is not None
    lacking = (lab.primary if end == "primary" else lab.backup).urls()[0]
    assert lacking in result.failure.message
    getattr(lab, end).knobs.silent = False
    assert await context.closing.drain(timeout=20) == 0


async def test_two_real_servers_relay_to_each_other(
    leaks: None, coturn: CoturnFactory, context: Context
) -> None:
    near, far = coturn(CoturnConfig()), coturn(CoturnConfig(auth_secret=True))
    (check,) = planned(
        {
            "TURN_URLS": near.udp_url,
            "TURN_USERNAME": near.username,
            "TURN_PASSWORD": near.password,
            "TURN_BACKUP_URLS": far.tcp_url,
            "TURN_BACKUP_SHARED_SECRET": str(far.secret),
        }
    )
    result = await run(check, context)
    assert result.failure is None
    assert await context.closing.drain(timeout=20) == 0


def test_it_is_planned_where_there_are_two_providers(tmp_path: Path) -> None:
    primary = {"TURN_URLS": "turn:a?transport=tcp,turn:a", "TURN_SHARED_SECRET": "s"}
    metered = {"METERED_APP": "app", "METERED_API_KEY": "k"}
    assert planned(primary) == []
    (check,) = planned({**primary, **metered})
    assert check.name == "crossing-primary-metered"
    assert check.table.target.startswith("turn:a:3478 to https://app.metered.live/")
