"""The turn check against coturn: what is true of the lab is true of a real server."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result, Status
from probe.kinds import KINDS
from probe.kinds.turn import signals as turn
from probe.turn_targets import signals
from probe.turn_targets.signals import ALLOCATE
from tests.servers.coturn import Coturn, CoturnConfig, CoturnFactory
from tests.turn.turn_lab import WAYS, Interrupted, ending, run, turn_check, values

Start = Callable[..., Coturn]


@pytest.fixture
def start(leaks: None, coturn: CoturnFactory) -> Start:
    return lambda **config: coturn(CoturnConfig(**config))


def url_of(server: Coturn, way: str) -> str:
    return {"udp": server.udp_url, "tcp": server.tcp_url, "tls": server.tls_url}[way]


def check_of(server: Coturn, way: str, **table: Any) -> Check:
    login = {"username": server.username, "password": server.password}
    if "shared_secret" in table:
        login = {}
    defaults = {"url": url_of(server, way), "ca_file": server.ca_file, "deadline": 5}
    return turn_check(**{**defaults, **login, **table})


async def measure(server: Coturn, way: str, context: Context, **table: Any) -> Result:
    result = await run(check_of(server, way, **table), context)
    assert await context.closing.drain(timeout=20) == 0
    return result


@pytest.mark.parametrize("way", WAYS)
async def test_coturn_relays_and_is_measured(start: Start, context: Context, way: str) -> None:
    server = start()
    # On a busy machine a round trip may take as long as it likes: one of five has to be quick.
    for _ in range(5):
        result = await measure(server, way, context)
        assert result.failure is None
        found = values(result)
        if max(found[turn.SERVER_RTT], found[turn.RELAY_RTT], found[turn.RESENDS]) < 0.05:
            break
    assert found[turn.LOSS] == 0
    # A Refresh has its signature checked, a relayed packet has not: either may be quicker.
    assert 0 < found[turn.SERVER_RTT] < 0.05
    assert 0 < found[turn.RELAY_RTT] < 0.05
    assert found[signals.ALLOCATE] < 0.5
    assert found[turn.RESENDS] == found[turn.RETRANSMISSIONS] == 0


@pytest.mark.parametrize("way", WAYS)
async def test_coturn_takes_the_credentials_made_from_its_secret(
    start: Start, context: Context, way: str
) -> None:
    server = start(auth_secret=True)
    assert (await measure(server, way, context, shared_secret=server.secret)).failure is None


@pytest.mark.parametrize("way", WAYS)
async def test_a_wrong_password_is_rejected_under_two_seconds(
    start: Start, context: Context, way: str
) -> None:
    result = await measure(start(), way, context, password="wrong")
    assert ending(result) == ("allocate", "auth_rejected")
    assert result.duration < 4.5


async def test_a_wrong_secret_is_rejected(start: Start, context: Context) -> None:
    result = await measure(start(auth_secret=True), "udp", context, shared_secret="wrong")
    assert ending(result) == ("allocate", "auth_rejected")


async def test_a_user_name_that_has_expired_is_reported(start: Start, context: Context) -> None:
    past = Context(now=lambda: time.time() - 7200)
    server = start(auth_secret=True)
    late = await measure(server, "udp", past, shared_secret=server.secret)
    # By its own, slow clock the probe can't know that an hour is over.
    assert ending(late) == ("allocate", "auth_rejected")
    username = f"{int(time.time()) - 60}:probe"
    outcome = await measure(server, "udp", context, username=username, password="any")
    assert ending(outcome) == ("allocate", "credentials_expired")


async def test_a_quota_that_is_reached_is_reported(start: Start, context: Context) -> None:
    result = await measure(start(user_quota=1), "udp", context)
    assert ending(result) == ("allocate", "allocation_quota")


@pytest.mark.parametrize("way", WAYS)
async def test_a_denied_peer_is_distinguished_from_a_refused_allocation(
    start: Start, context: Context, way: str
) -> None:
    server = start(denied_peer_ip=["127.0.0.0-127.255.255.255"], loopback_peers=False)
    assert ending(await measure(server, way, context)) == ("permission", "peer_forbidden")


@pytest.mark.parametrize("way", WAYS)
async def test_a_stopped_server_refuses(start: Start, context: Context, way: str) -> None:
    server = start()
    server.stop()
    result = await measure(server, way, context)
    assert ending(result) == ("allocate" if way == "udp" else "connect", "connect_refused")
    assert result.duration < 4


@pytest.mark.parametrize("way", WAYS)
async def test_a_restart_in_mid_run_is_reported(start: Start, context: Context, way: str) -> None:
    server = start()
    running = Interrupted(check_of(server, way, echoes=100), context)
    await running.reaches("echo")
    await asyncio.to_thread(server.restart)
    outcome = {("echo", "connection_closed")}
    if way == "udp":
        # Refused if a packet meets the moment without a server, forgotten if none does.
        outcome = {("echo", "connect_refused"), ("server_rtt", "allocation_lost")}
    assert await running.ends(within=5) in outcome
    assert (await measure(server, way, context)).status is Status.OK


async def test_nothing_is_left_on_the_server(start: Start, context: Context) -> None:
    server = start(user_quota=2)
    for _ in range(2):
        assert (await measure(server, "udp", context)).failure is None
        # coturn counts a deleted allocation for about a second more.
        await asyncio.sleep(1.5)


async def test_ipv6_is_a_way_to_the_server_too(start: Start, context: Context) -> None:
    server = start(ipv6=True)
    for url in (f"turn:[::1]:{server.port}", f"turns:[::1]:{server.tls_port}"):
        assert (await measure(server, "udp", context, url=url)).failure is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("turn", (Status.OK, None)),
        ("allocation", (Status.OK, None)),
        ("call", (Status.UNKNOWN, Cause.CREDENTIALS_MISSING)),
    ],
)
async def test_a_server_that_asks_for_no_credentials_is_measured_and_called_by_no_browser(
    start: Start, context: Context, kind: str, expected: tuple[Status, Cause | None]
) -> None:
    """Browsers take no TURN server without, whatever the server asks for."""
    server = start(anonymous=True)
    (found,) = [each for each in KINDS if each.name == kind]
    table = {"name": "open", "url": server.udp_url, "ca_file": server.ca_file}
    result = await run(Check(found, found.table.model_validate(table)), context)
    assert (result.status, result.failure and result.failure.cause) == expected
    assert kind == "call" or any(each.signal is ALLOCATE for each in result.samples)


@pytest.mark.parametrize("kind", ["turn", "allocation"])
async def test_any_credentials_do_where_the_server_asks_for_none(
    start: Start, context: Context, kind: str
) -> None:
    server = start(anonymous=True)
    (found,) = [each for each in KINDS if each.name == kind]
    login = {"username": "any", "password": "any"}
    table = {"name": "open", "url": server.udp_url, "ca_file": server.ca_file, **login}
    result = await run(Check(found, found.table.model_validate(table)), context)
    assert result.status is Status.OK
