"""A TURN client for the tests, to see that a server relays: aioice, with nothing of ours."""

import asyncio
import ssl

from aioice import turn

from tests.servers.coturn import Coturn


class Receiver(asyncio.DatagramProtocol):
    """Keeps the first datagram and the first error, and tells when the allocation is deleted."""

    def __init__(self) -> None:
        self.first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.error: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()

    def error_received(self, exc: Exception) -> None:
        self.error.set_result(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.first.done():
            self.first.set_result(data)


async def allocate(
    server: Coturn, transport: str = "udp", *, host: str = "127.0.0.1", password: str | None = None
) -> tuple[turn.TurnTransport, Receiver]:
    tls = transport == "tls"
    endpoint, receiver = await turn.create_turn_endpoint(
        Receiver,
        server_addr=(host, server.tls_port if tls else server.port),
        username=server.username,
        password=password or server.password,
        ssl=ssl.create_default_context(cafile=server.ca_file) if tls else None,
        transport="udp" if transport == "udp" else "tcp",
    )
    return endpoint, receiver


async def relays(server: Coturn, transport: str = "udp", *, host: str = "127.0.0.1") -> bool:
    """Whether a packet from one allocation arrives at another."""
    first, sender = await allocate(server, transport, host=host)
    second, receiver = await allocate(server, transport, host=host)
    # Both sides need a permission for the other; sending asks for one (RFC 8656, section 9).
    second.sendto(b"hello", first.get_extra_info("sockname"))
    async with asyncio.timeout(30):
        while not await _arrives(first, second, receiver):
            pass  # the permission may not stand yet, so it is sent again
    await release(first, sender)
    await release(second, receiver)
    return True


async def release(endpoint: turn.TurnTransport, receiver: Receiver) -> None:
    """Deletes the allocation while the server is there to answer."""
    endpoint.close()
    await receiver.closed.wait()


async def _arrives(
    first: turn.TurnTransport, second: turn.TurnTransport, receiver: Receiver
) -> bool:
    first.sendto(b"hello", second.get_extra_info("sockname"))
    done, _ = await asyncio.wait({receiver.first}, timeout=0.05)
    return bool(done)
