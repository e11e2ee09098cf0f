"""One end of a call: ICE by aioice, DTLS, SCTP and a data channel by aiortc.

aiortc's RTCPeerConnection gathers one side after the other, throws allocation errors away,
hands TLS to TURN without a custom authority and offers no phases. Its layers are public,
and its DTLS transport takes any ICE transport that can send and receive, so this one
stands on ``aioice.Connection`` itself (RTC.md, "Why the obvious probe is wrong").
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from aioice import Connection, TransportPolicy

from probe.net.tls import last_change
from probe.rtc.webrtc import (
    RTCCertificate,
    RTCDataChannel,
    RTCDataChannelParameters,
    RTCDtlsTransport,
    RTCIceTransport,
    RTCSctpTransport,
)

SCTP_PORT = 5000
CHANNEL_LABEL = "probe"


class NamedContext(ssl.SSLContext):
    """Checks certificates against a name though the connection goes to an address.

    aioice connects to the host that it is given; it gets an address that we have resolved
    ourselves, while the certificate carries the name.
    """

    host = ""

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return super().wrap_bio(*args, **{**kwargs, "server_hostname": self.host})


def named_context(host: str, ca_file: Path | None) -> NamedContext:
    """A verifying context for ``host`` that trusts ``ca_file`` beside the system's authorities.

    Made once for each, and anew when the file changes: a context holds all authorities, and
    making them by the thousand leaves the process' memory in splinters.
    """
    return _named_context(host, ca_file, last_change(ca_file))


@lru_cache(maxsize=64)
def _named_context(host: str, ca_file: Path | None, _changed: int) -> NamedContext:
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    context.host = host
    return context


@dataclass(frozen=True)
class Relay:
    """A TURN server as aioice takes it: its address resolved, its user's name and password."""

    address: tuple[str, int]
    username: str
    password: str
    transport: str
    tls: ssl.SSLContext | None = None


class IceTransport:
    """What RTCDtlsTransport asks of an ICE transport, on a public aioice Connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @property
    def role(self) -> str:
        """``controlling`` or ``controlled``; aiortc derives the DTLS role from it."""
        return "controlling" if self.connection.ice_controlling else "controlled"

    async def _recv(self) -> bytes:
        return await self.connection.recv()

    async def _send(self, data: bytes) -> None:
        await self.connection.send(data)


class Peer:
    """One end of a call. ``offering`` is the side that a browser's offer comes from.

    Steps, in order: ``gather``, ``meet``, ``connect_ice``, ``connect_dtls``,
    ``open_channel``; ``close`` at any moment.
    """

    def __init__(self, *, offering: bool, relay: Relay | None, certificate: RTCCertificate) -> None:
        self.offering = offering
        self.ice = _connection(offering, relay)
        transport = cast(RTCIceTransport, IceTransport(self.ice))
        self.dtls = RTCDtlsTransport(transport, [certificate])
        self.sctp = RTCSctpTransport(self.dtls, SCTP_PORT)
        self.channel: RTCDataChannel | None = None
        self.opened = asyncio.Event()
        self._gathering: asyncio.Task[None] | None = None

    async def gather(self) -> None:
        """Find candidates. Ends without one where the relay refuses: aioice tells no more."""
        self._gathering = asyncio.create_task(self.ice.gather_candidates())
        await asyncio.shield(self._gathering)

    async def meet(self, other: "Peer") -> None:
        """Learn the other side's candidates and ICE credentials, as signaling would tell."""
        self.ice.remote_username = other.ice.local_username
        self.ice.remote_password = other.ice.local_password
        for candidate in other.ice.local_candidates:
            await self.ice.add_remote_candidate(candidate)
        # Without the end of candidates a failure is never reported.
        await self.ice.add_remote_candidate(None)

    async def connect_ice(self) -> None:
        """Connectivity checks until a pair is nominated. Raises ConnectionError."""
        await self.ice.connect()

    async def connect_dtls(self, other: "Peer") -> None:
        """The DTLS handshake. Raises ConnectionError."""
        await self.dtls.start(other.dtls.getLocalParameters())
        if self.dtls.state != "connected":
            raise ConnectionError("the DTLS handshake failed")

    async def open_channel(self, on_message: Callable[["Peer", bytes], None]) -> None:
        """Open (or await) the data channel; ``opened`` is set when it stands.

        Unordered and without retransmission: a lost echo is then lost, and not late.
        """
        if self.offering:
            parameters = RTCDataChannelParameters(
                label=CHANNEL_LABEL, ordered=False, maxRetransmits=0
            )
            self._adopt(RTCDataChannel(self.sctp, parameters), on_message)
        else:
            self.sctp.on("datachannel", lambda channel: self._adopt(channel, on_message))
        await self.sctp.start(RTCSctpTransport.getCapabilities(), SCTP_PORT)
        await self.opened.wait()

    def send(self, data: bytes) -> None:
        """Send a message on the open channel."""
        if self.channel is not None and self.channel.readyState == "open":
            self.channel.send(data)

    async def close(self) -> None:
        """Close everything, the allocation included. Slow when the TURN server has died."""
        await self.sctp.stop()
        await self.dtls.stop()
        if self._gathering is not None:
            # Closed in the middle of gathering, aioice would leave an allocation behind.
            await asyncio.wait({self._gathering})
        await self.ice.close()

    def _adopt(self, channel: RTCDataChannel, on_message: Callable[["Peer", bytes], None]) -> None:
        self.channel = channel
        channel.on("message", lambda data: on_message(self, data))
        if channel.readyState == "open":
            self.opened.set()
        else:
            channel.on("open", self.opened.set)


def _connection(offering: bool, relay: Relay | None) -> Connection:
    if relay is None:
        return Connection(ice_controlling=offering, transport_policy=TransportPolicy.ALL)
    return Connection(
        ice_controlling=offering,
        transport_policy=TransportPolicy.RELAY,
        turn_server=relay.address,
        turn_username=relay.username,
        turn_password=relay.password,
        turn_transport=relay.transport,
        # Declared as a flag, but handed as it is to asyncio, which takes a context as well.
        turn_ssl=cast(bool, relay.tls or False),
    )
