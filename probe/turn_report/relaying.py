"""What an allocation is good for: peers it must refuse, IPv6, its lifetime, throughput."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckAborted, CheckFailed
from probe.net.resolver import Address
from probe.net.tasks import gather_first_error
from probe.net.tls import client_context
from probe.stun.credentials import TurnCredentials
from probe.stun.message import PeerAddress
from probe.stun.transport import untimed
from probe.stun.uri import TurnUri
from probe.turn.client import TurnClient

# Peers through which a relay would lead into its own network: one for each kind.
FORBIDDEN_PEERS: tuple[tuple[str, str], ...] = (
    ("127.0.0.1", "loopback"),
    ("0.0.0.0", "this host"),
    ("10.0.0.1", "private (RFC 1918)"),
    ("172.16.0.1", "private (RFC 1918)"),
    ("192.168.0.1", "private (RFC 1918)"),
    ("100.64.0.1", "carrier NAT (RFC 6598)"),
    ("169.254.169.254", "link-local, where clouds keep their metadata"),
    ("224.0.0.1", "multicast"),
)
FORBIDDEN_PEERS_IPV6: tuple[tuple[str, str], ...] = (
    ("::1", "loopback"),
    ("fe80::1", "link-local"),
    ("fd00::1", "unique local"),
    ("::ffff:127.0.0.1", "IPv4-mapped loopback"),
    ("::ffff:10.0.0.1", "IPv4-mapped private"),
    ("::127.0.0.1", "IPv4-compatible loopback"),
    ("64:ff9b::7f00:1", "NAT64 of loopback"),
    ("64:ff9b::a00:1", "NAT64 of a private address"),
    ("2002:7f00:1::1", "6to4 of loopback"),
)
THROUGHPUT_SECONDS, PACKET_BYTES, BITS_A_SECOND = 5.0, 1200, 1_000_000
_REQUEST_SECONDS = 2.0
_PORT = 9


@dataclass(frozen=True)
class Server:
    """One transport, by its resolved addresses."""

    url: TurnUri
    addresses: Sequence[Address]
    credentials: TurnCredentials
    ca_file: Path | None
    context: Context


@asynccontextmanager
async def allocation(server: Server, *, ipv6: bool = False) -> AsyncIterator[TurnClient]:
    """An allocation that is deleted at the end. Raises CheckFailed."""
    context = server.context
    client = TurnClient(
        server.url, server.credentials, clock=context.clock, now=context.now, ipv6=ipv6
    )
    tls = client_context(server.ca_file) if server.url.kind == "tls" else None
    try:
        await client.open(server.addresses, untimed, tls)
        yield client
    finally:
        await context.closing.close(client.close(), timeout=1.5)


async def accepted_peers(client: TurnClient, peers: Sequence[tuple[str, str]]) -> list[str]:
    """Those of the peers that the server gives a permission for. Nothing is sent to them."""
    accepted = []
    for peer, kind in peers:
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                await client.create_permission((peer, _PORT))
        except CheckAborted as error:
            if error.cause is Cause.CONNECTION_CLOSED:
                raise
        except TimeoutError:
            continue  # refused in silence
        else:
            accepted.append(f"{peer} ({kind})")
    return accepted


async def throughput(server: Server) -> tuple[float, float]:
    """Bits a second that came through, of 1 Mbit/s sent for five seconds, and the share that was
    lost. Raises CheckFailed."""
    sent, sizes = 0, list[int]()
    async with allocation(server) as first, allocation(server) as second:
        a, b = _relayed(first), _relayed(second)
        await gather_first_error(first.create_permission(b), second.create_permission(a))
        await gather_first_error(first.channel_bind(b), second.channel_bind(a))
        second.on_data = lambda data, _: sizes.append(len(data))
        clock = server.context.clock
        started, pause = clock(), PACKET_BYTES * 8 / BITS_A_SECOND
        while (elapsed := clock() - started) < THROUGHPUT_SECONDS:
            while sent * pause <= elapsed:
                first.send(b, sent.to_bytes(4, "big") + bytes(PACKET_BYTES - 4))
                sent += 1
            await asyncio.sleep(pause)
        await asyncio.sleep(0.5)
    received = sum(sizes)
    return received * 8 / THROUGHPUT_SECONDS, 1 - len(sizes) / max(sent, 1)


def is_public(host: str) -> bool:
    """Whether an address can be reached from anywhere."""
    return ipaddress.ip_address(host.partition("%")[0]).is_global


def _relayed(client: TurnClient) -> PeerAddress:
    if client.relayed is None:
        raise CheckFailed(Cause.NO_CANDIDATE, "the server gave no relayed address")
    return client.relayed
