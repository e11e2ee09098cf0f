"""aioice's TURN client, alone and in pairs."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aioice.turn import create_turn_endpoint

from probe.lab.turn.server import LabTurnServer
from tests.lab.turn.raw_turn import PASSWORD, PATIENCE, USER, Inbox


@asynccontextmanager
async def endpoint(
    server: LabTurnServer,
    transport: str = "udp",
    *,
    trust: ssl.SSLContext | None = None,
    username: str | None = USER,
    password: str | None = PASSWORD,
) -> AsyncIterator[Inbox]:
    """aioice's TURN client, which binds a channel with the first packet to a peer."""
    port = {"udp": server.udp_port, "tcp": server.tcp_port, "tls": server.tls_port}[transport]
    assert port is not None
    _, inbox = await asyncio.wait_for(
        create_turn_endpoint(
            Inbox,
            (server.host, port),
            username,
            password,
            ssl=trust if transport == "tls" else None,
            transport="udp" if transport == "udp" else "tcp",
        ),
        PATIENCE,
    )
    try:
        yield inbox
    finally:
        await inbox.close()


@asynccontextmanager
async def pair(server: LabTurnServer, transport: str = "udp") -> AsyncIterator[tuple[Inbox, Inbox]]:
    """Two allocations whose ways to each other are open."""
    async with endpoint(server, transport) as one, endpoint(server, transport) as two:
        # The first packet of `one` finds no permission at `two`, unless `two` was faster.
        two.send(b"open", one.address)
        while two.arrived.empty():
            one.send(b"open", two.address)
            await asyncio.sleep(0.005)
        # Packets keep their order here, so a last one tells that the others are through.
        for sender, receiver in ((one, two), (two, one)):
            sender.send(b"last", receiver.address)
            while (await receiver.receive())[0] != b"last":
                pass
        yield one, two


async def burst(sender: Inbox, receiver: Inbox, packets: int) -> list[int]:
    """The numbers of as many packets as are sent, in their order of arrival."""
    for number in range(packets):
        sender.send(number.to_bytes(2), receiver.address)
    return [int.from_bytes((await receiver.receive())[0]) for _ in range(packets)]
