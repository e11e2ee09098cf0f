"""What an allocation is good for: peers it must refuse, IPv6, its lifetime, throughput."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.net.resolver import Address
from probe.net.tasks import gather_first_error
from probe.net.tls.contexts import client_context
from probe.stun.credentials import TurnCredentials
from probe.stun.message import PeerAddress
from probe.stun.transport import untimed
from probe.stun.uri import TurnUri
from probe.turn.client import TurnClient

THROUGHPUT_SECONDS, PACKET_BYTES, BITS_A_SECOND = 5.0, 1200, 1_000_000


class Server(Struct, frozen=True):
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
