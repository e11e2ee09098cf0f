"""The call check against coturn where something is wrong: as true as of the lab's relay."""

import time
from collections.abc import Callable

import pytest

from tests.kinds.call.call_lab import coturn_check, run
from tests.servers.coturn import Coturn, CoturnConfig, CoturnFactory
from tests.turn.turn_lab import WAYS, ending

Start = Callable[..., Coturn]


@pytest.fixture
def start(leaks: None, coturn: CoturnFactory) -> Start:
    return lambda **config: coturn(CoturnConfig(**config))


@pytest.mark.parametrize("way", WAYS)
async def test_a_wrong_password_is_rejected_at_once(start: Start, way: str) -> None:
    result = await run(coturn_check(start(), way, password="wrong"))
    assert ending(result) == ("gathering", "auth_rejected")
    assert result.duration < 10


async def test_a_wrong_secret_is_rejected(start: Start) -> None:
    result = await run(coturn_check(start(auth_secret=True), shared_secret="wrong"))
    assert ending(result) == ("gathering", "auth_rejected")


async def test_a_user_name_that_has_expired_is_reported(start: Start) -> None:
    name = f"{int(time.time()) - 60}:probe"
    result = await run(coturn_check(start(auth_secret=True), username=name, password="any"))
    assert ending(result) == ("gathering", "credentials_expired")


async def test_a_quota_of_one_is_too_little_for_a_call(start: Start) -> None:
    result = await run(coturn_check(start(user_quota=1)))
    assert ending(result) == ("gathering", "allocation_quota")
    assert result.duration < 10


@pytest.mark.parametrize("way", WAYS)
async def test_a_denied_peer_is_distinguished_from_a_path_that_fails(
    start: Start, way: str
) -> None:
    server = start(denied_peer_ip=["127.0.0.0-127.255.255.255"], loopback_peers=False)
    result = await run(coturn_check(server, way, deadline=8))
    assert ending(result) == ("ice", "peer_forbidden")
    assert result.duration < 8


@pytest.mark.parametrize("way", WAYS)
async def test_a_stopped_server_refuses(start: Start, way: str) -> None:
    server = start()
    server.stop()
    result = await run(coturn_check(server, way, deadline=8))
    assert ending(result) == ("gathering", "connect_refused")
    assert result.duration < 8


async def test_ipv6_is_a_way_to_the_server_too(start: Start) -> None:
    server = start(ipv6=True)
    for url in (f"turn:[::1]:{server.port}", f"turns:[::1]:{server.tls_port}"):
        assert (await run(coturn_check(server, url=url))).failure is None
