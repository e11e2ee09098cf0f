"""The turn check against the lab's relay: figures that are right, and what the variables give."""

import asyncio
from typing import Any

import pytest

from probe.core.context import Context
from probe.core.environment import Variables, read_environment
from probe.core.kind import Check
from probe.core.model import Result, Status
from probe.kinds.turn import KIND, TurnTable, derive
from probe.kinds.turn import signals as turn
from probe.net.certificate_signals import CERTIFICATE_EXPIRY, CERTIFICATE_REMAINING
from probe.turn_targets import signals
from probe.turn_targets.environment import TurnEnvironment
from tests.turn.turn_lab import (
    SECRET,
    WAYS,
    TurnLab,
    ending,
    run,
    values,
)

SETTING_UP = {
    "udp": ["dns", "allocate"],
    "tcp": ["dns", "connect", "allocate"],
    "tls": ["dns", "connect", "tls", "allocate"],
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_good_relay_is_measured_from_its_name_to_the_last_echo(
    lab: TurnLab, context: Context, way: str
) -> None:
    result = await run(lab.check(way), context)
    assert result.failure is None
    assert list(result.phases) == [
        *SETTING_UP[way],
        "permission",
        "relay",
        "echo",
        "server_rtt",
        "mtu",
    ]
    found = values(result)
    certificate = {CERTIFICATE_EXPIRY, CERTIFICATE_REMAINING} if way != "tls" else set()
    assert set(KIND.signals) - certificate <= set(found)
    assert found[turn.LOSS] == found[turn.RETRANSMISSIONS] == found[turn.RESENDS] == 0
    assert found[turn.RELAY_RTT] <= found[turn.RELAY_RTT_P95] <= found[turn.RELAY_RTT_MAX]
    assert 17_000 < found[turn.SENT] + found[turn.RECEIVED] < 25_000
    assert found[turn.MTU] == 1200
    assert set(result.facts) == {"server", "relayed"}
    assert await lab.is_clean(context)


async def test_the_figures_agree_with_the_delay_of_the_path(lab: TurnLab, context: Context) -> None:
    lab.knobs.delay = 0.05
    round_trip = 2 * lab.knobs.delay
    expected = {
        signals.UNAUTHENTICATED: round_trip,
        signals.ALLOCATE: 2 * round_trip,
        turn.RELAY_OPEN: round_trip,
        turn.SERVER_RTT: round_trip,
        turn.RELAY_RTT: 2 * round_trip,
    }
    # A busy machine makes everything slower, never quicker: so the best of some runs counts.
    best = dict.fromkeys(expected, 1.0)
    for _ in range(5):
        found = values(await run(lab.check(), context))
        best = {signal: min(value, found[signal]) for signal, value in best.items()}
        if best == pytest.approx(expected, abs=0.03):
            break
    assert best == pytest.approx(expected, abs=0.03)
    assert all(best[signal] >= expected[signal] for signal in expected)
    assert found[turn.OVERHEAD] == pytest.approx(
        found[turn.RELAY_RTT] - 2 * found[turn.SERVER_RTT], abs=1e-9
    )


async def test_jitter_of_the_path_is_seen(lab: TurnLab) -> None:
    lab.knobs.jitter = 0.015
    # A machine that is busy sways too: the least of some runs counts.
    least = float("inf")
    for _ in range(5):
        least = min(least, values(await run(lab.check(echoes=50)))[turn.JITTER])
        if least < 0.015:
            break
    assert 0.001 < least < 0.015


async def test_some_loss_is_measured_and_no_failure(lab: TurnLab) -> None:
    lab.knobs.loss, lab.knobs.seed = 0.1, 3
    result = await run(lab.check(echoes=40))
    assert result.status is Status.OK
    assert 0 < values(result)[turn.LOSS] < 0.5


async def test_much_loss_is_a_failure_with_its_figures(lab: TurnLab, context: Context) -> None:
    lab.knobs.loss, lab.knobs.seed = 0.75, 3
    result = await run(lab.check(), context)
    assert ending(result) == ("echo", "relay_loss")
    assert values(result)[turn.LOSS] > 0.5
    assert turn.SERVER_RTT in values(result)
    assert await lab.is_clean(context)


async def test_time_limited_credentials_are_made_from_the_secret(lab: TurnLab) -> None:
    assert (await run(lab.check(shared_secret=SECRET))).status is Status.OK


async def test_a_request_that_is_lost_is_sent_again(lab: TurnLab) -> None:
    lab.knobs.silent = True
    asyncio.get_running_loop().call_later(0.2, setattr, lab.knobs, "silent", False)
    result = await run(lab.check())
    assert result.status is Status.OK
    assert values(result)[turn.RETRANSMISSIONS] == 2
    assert values(result)[signals.UNAUTHENTICATED] == pytest.approx(0.25, abs=0.1)


async def test_two_checks_share_nothing_and_finish_in_their_own_time(lab: TurnLab) -> None:
    results = await asyncio.gather(*(run(lab.check(way)) for way in WAYS))
    assert [result.status for result in results] == [Status.OK] * 3


def derived(**variables: str) -> list[Check]:
    found = derive(read_environment(TurnEnvironment, Variables(variables)))
    return [Check(KIND, TurnTable.model_validate(table)) for table in found.tables]


def test_the_variables_give_a_check_for_each_server_and_one_for_what_is_issued() -> None:
    checks = derived(
        TURN_URLS="turn:a:80,turns:a:443,turn:b",
        TURN_USERNAME="me",
        TURN_PASSWORD="secret",
        TURN_BACKUP_URLS="turn:c?transport=tcp",
        BACKEND_URL="https://me:hunter2@example.org",
    )
    assert [(check.name, check.table.target, check.table.labels) for check in checks] == [
        (
            "turn-primary-udp",
            "turn:a:80",
            {"provider": "primary", "transport": "udp"},
        ),
        (
            "turn-primary-tls",
            "turns:a:443",
            {"provider": "primary", "transport": "tls"},
        ),
        (
            "turn-primary-udp-2",
            "turn:b:3478",
            {"provider": "primary", "transport": "udp"},
        ),
        (
            "turn-backup-tcp",
            "turn:c:3478",
            {"provider": "backup", "transport": "tcp"},
        ),
        (
            "turn-issued",
            "https://example.org/turn/credentials",
            {"provider": "issued", "transport": "all"},
        ),
    ]
    assert [check.table.redundancy_group for check in checks] == [*["turn"] * 4, "turn-issued"]


def test_without_variables_there_is_nothing_to_check_and_it_says_why() -> None:
    found = derive(read_environment(TurnEnvironment, Variables({})))
    assert list(found.tables) == []
    assert list(found.skipped) == [
        "TURN_URLS is not set",
        "TURN_BACKUP_URLS is not set",
        "METERED_API_KEY is not set (credentials from Metered)",
        "BACKEND_URL is not set (credentials that it issues)",
    ]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({}, "set either url or backend_url or metered_url"),
        (
            {"url": "turn:a", "backend_url": "https://b"},
            "set either url or backend_url or metered_url",
        ),
        ({"url": "turn:a", "username": "u"}, "set username and password, or neither"),
        ({"url": "turn:a:x"}, "the port must be 1 to 65535"),
        ({"url": "turn:a", "echoes": 0}, "greater than or equal to 1"),
    ],
)
def test_a_table_that_makes_no_sense_says_so(table: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        TurnTable.model_validate({"name": "turn", **table})


def test_no_secret_shows_in_a_table() -> None:
    (check,) = derived(TURN_URLS="turn:a", TURN_USERNAME="me", TURN_PASSWORD="hunter2")
    assert "hunter2" not in repr(check)


async def test_no_secret_shows_in_a_result(lab: TurnLab) -> None:
    result: Result = await run(lab.check(username="me", password="hunter2"))
    assert "hunter2" not in repr(result)
