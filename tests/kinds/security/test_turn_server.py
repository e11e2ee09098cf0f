"""coturn configured wrong and right: strangers, and peers in its own network."""

from probe.core.causes import Cause
from tests.kinds.security.looking import found, look, passed
from tests.servers.coturn import CoturnConfig, CoturnFactory

# All that issue 26 names, and what coturn itself recommends.
DENIED = (
    "0.0.0.0-0.255.255.255",
    "10.0.0.0-10.255.255.255",
    "100.64.0.0-100.127.255.255",
    "127.0.0.0-127.255.255.255",
    "169.254.0.0-169.254.255.255",
    "172.16.0.0-172.31.255.255",
    "192.168.0.0-192.168.255.255",
    "224.0.0.0-239.255.255.255",
    "::1",
    "::",
    "64:ff9b::-64:ff9b::ffff:ffff",
    "::ffff:0.0.0.0-::ffff:255.255.255.255",
    "::-::ffff:ffff",
    "2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
)


async def test_a_server_that_denies_private_peers_passes(coturn: CoturnFactory) -> None:
    server = coturn(CoturnConfig(denied_peer_ip=DENIED, loopback_peers=False, ipv6=True))
    login = {"username": server.username, "password": server.password}
    result = await look("turn", url=server.udp_url, **login)
    assert passed(result), result
    assert result.facts["strangers"] == "an Allocate without credentials is refused"
    assert "refused" in result.facts["IPv4 relay"]
    assert "refused" in result.facts["IPv6 relay"]


async def test_a_relay_into_its_own_network_is_found_with_the_metadata_address(
    coturn: CoturnFactory,
) -> None:
    server = coturn(CoturnConfig(loopback_peers=True))
    login = {"username": server.username, "password": server.password}
    cause, evidence, fix = found(await look("turn", url=server.udp_url, **login))
    assert cause is Cause.PRIVATE_PEERS_ALLOWED
    assert "127.0.0.1 (loopback)" in evidence
    assert "denied-peer-ip" in fix


async def test_a_server_without_authentication_is_an_open_relay(coturn: CoturnFactory) -> None:
    server = coturn(CoturnConfig(anonymous=True, loopback_peers=False))
    cause, evidence, fix = found(await look("turn", url=server.udp_url))
    assert cause is Cause.OPEN_RELAY
    assert "allocates without credentials" in evidence
    assert "no-auth" in fix


async def test_strangers_are_all_that_is_examined_without_credentials(
    coturn: CoturnFactory,
) -> None:
    server = coturn(CoturnConfig(loopback_peers=False))
    result = await look("turn", url=server.udp_url)
    assert passed(result)
    assert list(result.facts) == ["strangers"]


async def test_a_server_that_is_silent_is_no_finding() -> None:
    result = await look("turn", url="turn:127.0.0.1:9?transport=tcp")
    assert result.failure is not None
    assert result.failure.cause is Cause.CONNECT_REFUSED
