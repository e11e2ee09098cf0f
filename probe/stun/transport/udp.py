"""STUN over UDP (RFC 8489 section 6.2.1)."""

import asyncio
import ssl
from typing import cast

from probe.net.resolver import Address
from probe.stun.byte_counter import UDP_HEADER, ByteCounter, active_counter, ip_header
from probe.stun.timestamped_socket import TimestampedSocket, connected_socket
from probe.stun.transport import Receiver, Transport, local_address
from probe.stun.transport.refusals import active_refusals
from probe.stun.transport_errors import error_of


class UdpTransport(asyncio.DatagramProtocol):
    """A connected UDP socket: only the server's packets come in.

    A server that refuses (ICMP "port unreachable") has lost a packet, as in browsers: a restart
    ends no call of theirs. Who waits in vain learns of it by ``noting_refusals``.
    """

    reliable = False

    def __init__(
        self,
        receiver: Receiver,
        place: str,
        header: int,
        traffic: ByteCounter,
        sock: TimestampedSocket,
    ) -> None:
        self._receiver, self._place, self._sock = receiver, place, sock
        self._header, self._traffic = header, traffic
        self._transport: asyncio.DatagramTransport | None = None
        self._refusals = active_refusals()
        self.tls_object: ssl.SSLObject | None = None

    @property
    def local(self) -> tuple[str, int]:
        """Our own address and port."""
        return local_address(self._transport)

    @property
    def arrived(self) -> float:
        """When the last datagram reached this machine, by the kernel's timestamp."""
        return self._sock.arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, _: object) -> None:
        self._traffic.received += len(data) + self._header
        self._refusals.answered(self)
        self._receiver.message_received(data)

    def error_received(self, exc: Exception) -> None:
        error = error_of(exc, self._place)
        if isinstance(exc, ConnectionRefusedError):
            self._refusals.refused(self, error)
        else:
            self._receiver.connection_lost(error)

    def send(self, frame: bytes) -> None:
        """Send one datagram, or lose it."""
        if self._transport is not None and not self._transport.is_closing():
            self._traffic.sent += len(frame) + self._header
            self._transport.sendto(frame)

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()


async def open_udp(address: Address, receiver: Receiver, place: str) -> Transport:
    """A connected socket. Raises CheckFailed with the phase ``connect``."""
    loop, traffic = asyncio.get_running_loop(), active_counter()
    header = ip_header(address.family) + UDP_HEADER
    try:
        sock = connected_socket(address)
        _, transport = await loop.create_datagram_endpoint(
            lambda: UdpTransport(receiver, place, header, traffic, sock), sock=sock
        )
    except OSError as error:
        raise error_of(error, place, "connect") from None
    return transport
