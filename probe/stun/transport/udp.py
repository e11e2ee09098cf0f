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

REFUSED_SECONDS = 2.5
"""How long a server may refuse (ICMP "port unreachable") before it is given up. Browsers take
refusals for lost packets: a restart within a few seconds ends no call of theirs."""
_ASK_AGAIN_SECONDS = 0.25
_INDICATION = 0x10


class UdpTransport(asyncio.DatagramProtocol):
    """A connected UDP socket: only the server's packets come in."""

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
        self._refused_since: float | None = None
        self._request = b""
        self._retry: asyncio.TimerHandle | None = None
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
        self._refused_since = None
        self._refusals.answered(self)
        self._receiver.message_received(data)

    def error_received(self, exc: Exception) -> None:
        error = error_of(exc, self._place)
        if not isinstance(exc, ConnectionRefusedError):
            self._receiver.connection_lost(error)
            return
        self._refusals.refused(self, error)
        if not self._may_return():
            self._receiver.connection_lost(error)

    def _may_return(self) -> bool:
        """Whether it is refused for a short time only; then the last request leaves again."""
        loop = asyncio.get_running_loop()
        if self._refused_since is None:
            self._refused_since = loop.time()
        if self._retry is None:
            self._retry = loop.call_later(_ASK_AGAIN_SECONDS, self._ask_again)
        return loop.time() - self._refused_since < REFUSED_SECONDS

    def _ask_again(self) -> None:
        self._retry = None
        if self._refused_since is not None and self._request:
            self.send(self._request)

    def send(self, frame: bytes) -> None:
        """Send one datagram, or lose it."""
        if self._transport is not None and not self._transport.is_closing():
            self._traffic.sent += len(frame) + self._header
            if frame[0] == 0 and not frame[1] & _INDICATION:
                self._request = frame
                self._forget_retry()
            self._transport.sendto(frame)

    def _forget_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def abort(self) -> None:
        """Close at once."""
        self._forget_retry()
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
