"""coturn does what the tests rely on, also behind a firewall in a network namespace."""

import asyncio
import socket

import pytest
from aioice import stun

from tests import requirements
from tests.servers.coturn import CoturnConfig, CoturnFactory
from tests.servers.netns import Namespace
from tests.servers.turn.turn_client import allocate, relays, release

ALLOCATION_QUOTA = 486  # RFC 8656, section 19
FORBIDDEN = 403
UNAUTHORIZED = 401


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@pytest.mark.parametrize("auth_secret", [False, True])
async def test_coturn_relays(
    leaks: None, coturn: CoturnFactory, transport: str, auth_secret: bool
) -> None:
    assert await relays(coturn(CoturnConfig(auth_secret=auth_secret)), transport)


async def test_coturn_answers_on_ipv6(leaks: None, coturn: CoturnFactory) -> None:
    endpoint, receiver = await allocate(coturn(CoturnConfig(ipv6=True)), host="::1")
    assert endpoint.get_extra_info("sockname")
    await release(endpoint, receiver)


async def test_coturn_refuses_a_wrong_password(leaks: None, coturn: CoturnFactory) -> None:
    with pytest.raises(stun.TransactionFailed) as refused:
        await allocate(coturn(), password="wrong")
    assert refused.value.response.attributes["ERROR-CODE"][0] == UNAUTHORIZED


@pytest.mark.parametrize("config", [CoturnConfig(user_quota=1), CoturnConfig(total_quota=1)])
async def test_coturn_keeps_its_quota(
    leaks: None, coturn: CoturnFactory, config: CoturnConfig
) -> None:
    server = coturn(config)
    endpoint, receiver = await allocate(server)
    with pytest.raises(stun.TransactionFailed) as refused:
        await allocate(server)
    await release(endpoint, receiver)
    assert refused.value.response.attributes["ERROR-CODE"][0] == ALLOCATION_QUOTA


async def test_coturn_denies_a_peer(leaks: None, coturn: CoturnFactory) -> None:
    endpoint, receiver = await allocate(coturn(CoturnConfig(denied_peer_ip=["127.0.0.1"])))
    endpoint.sendto(b"hello", ("127.0.0.1", 9))
    async with asyncio.timeout(30):
        refused = await receiver.error
    await release(endpoint, receiver)
    assert isinstance(refused, stun.TransactionFailed)
    assert refused.response.attributes["ERROR-CODE"][0] == FORBIDDEN


async def test_coturn_restarts_on_its_ports(leaks: None, coturn: CoturnFactory) -> None:
    server = coturn()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))
    server.restart()
    assert await relays(server, "tcp")


async def test_two_coturns_run_side_by_side(leaks: None, coturn: CoturnFactory) -> None:
    assert all([await relays(coturn()), await relays(coturn())])


async def test_a_namespace_drops_one_port_in_silence(
    leaks: None, netns: Namespace, coturn: CoturnFactory
) -> None:
    server = coturn(CoturnConfig(address=netns.address, prefix=netns.prefix))
    assert await relays(server, host=netns.address)
    netns.drop("udp", server.port)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await allocate(server, host=netns.address)
    assert await relays(server, "tcp", host=netns.address)


def test_a_namespace_runs_a_command_and_is_gone_afterwards() -> None:
    netns = Namespace()
    inside = netns.run(requirements.program("ip", part="netns"), "-o", "address")
    netns.close()
    assert netns.address in inside.stdout
    assert netns.run("true").returncode != 0
