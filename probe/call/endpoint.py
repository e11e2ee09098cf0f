"""One end of a call: ICE of ours, DTLS, SCTP and a data channel by aiortc.

aiortc's RTCPeerConnection gathers one side after the other, throws allocation errors away,
hands TLS to TURN without a custom authority and offers no phases. Its layers are public,
and its DTLS transport takes any ICE transport that can send and receive.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, cast

from probe.call.aiortc_import import (
    RTCCertificate,
    RTCDataChannel,
    RTCDataChannelParameters,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceTransport,
    RTCSctpTransport,
)
from probe.call.dtls_retransmission import RetransmittingTransport
from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.ice.transport import IceTransport
from probe.net.tasks import first_ended, race, run_cancellable

SCTP_PORT = 5000
CHANNEL_LABEL = "probe"
CHANNEL_ID = 0


class CallEndpoint:
    """One end of a call. ``offering`` is the side that a browser's offer comes from.

    Steps, in order: ``gather``, ``set_remote``, ``connect_ice``, ``connect_dtls``,
    ``open_channel``; ``close`` at any moment. What comes after ``most_bytes`` is no part of
    the call: ``byte_limit_exceeded`` is set then.
    """

    def __init__(
        self,
        *,
        offering: bool,
        ice: IceTransport,
        certificate: RTCCertificate,
        most_bytes: float = math.inf,
    ) -> None:
        self.offering = offering
        self.ice = ice
        self.transport = RetransmittingTransport(ice, most_bytes)
        self.dtls = RTCDtlsTransport(cast(RTCIceTransport, self.transport), [certificate])
        self.sctp = RTCSctpTransport(self.dtls, SCTP_PORT)
        self.dtls.on("statechange", self._follow_dtls)
        self._stopping: asyncio.Task[None] | None = None
        self.channel: RTCDataChannel | None = None
        self.opened = asyncio.Event()

    @property
    def byte_limit_exceeded(self) -> asyncio.Event:
        """Set once more has come than a call may bring."""
        return self.transport.byte_limit_exceeded

    async def gather(self) -> None:
        """Find candidates. Raises CheckFailed where the relay gives none."""
        await self.ice.gather()

    async def set_remote(self, other: "CallEndpoint") -> None:
        """Learn the other side's candidates and ICE credentials, as signaling would bring them."""
        await self.ice.set_remote(other.ice)

    async def connect_ice(self) -> None:
        """Connectivity checks until a pair is nominated. Raises ConnectionError, CheckFailed."""
        await self.ice.connect()

    async def connect_dtls(self, theirs: RTCDtlsParameters) -> None:
        """The DTLS handshake with who has these parameters. Raises ConnectionError."""
        self.transport.start()
        await self.unless_lost(run_cancellable(self.dtls.start(theirs)))
        if self.dtls.state != "connected":
            raise self.ice.failure or ConnectionError("the DTLS handshake failed")

    async def open_channel(self, on_message: Callable[["CallEndpoint", bytes], None]) -> None:
        """Open the data channel; ``opened`` is set when it is open.

        Unordered and without retransmission: a lost echo is then lost, and not late.
        """
        # Negotiated beforehand: a browser's opener may send at once (RFC 8832 section 6), while
        # aiortc's would wait for another round trip.
        parameters = RTCDataChannelParameters(
            label=CHANNEL_LABEL, ordered=False, maxRetransmits=0, negotiated=True, id=CHANNEL_ID
        )
        self._adopt(RTCDataChannel(self.sctp, parameters), on_message)
        await self.sctp.start(RTCSctpTransport.getCapabilities(), SCTP_PORT)
        self.transport.release()
        await self.unless_lost(self._until_opened())
        self.transport.established()

    async def unless_lost(self, work: Coroutine[Any, Any, None]) -> None:
        """Work, unless the path ends before: its CheckFailed is raised at once."""
        try:
            await race(work, self._until_lost())
        except ConnectionError:
            if self.ice.failure is not None:
                raise self.ice.failure from None
            raise

    async def _until_lost(self) -> None:
        await first_ended(self.ice.until_failed(), _until_set(self.byte_limit_exceeded))
        if self.ice.failure is not None:
            raise self.ice.failure
        raise CheckFailed(Cause.FLOODED, "the call's path delivered more than a call may")

    async def _until_opened(self) -> None:
        await self.opened.wait()

    def send(self, data: bytes) -> None:
        """Send a message on the open channel."""
        if self.channel is not None and self.channel.readyState == "open":
            self.channel.send(data)

    async def close(self) -> None:
        """Close everything, the allocation included, whatever one of them raises."""
        self.transport.stop()
        async with AsyncExitStack() as closing:  # from the last to the first
            closing.push_async_callback(self.ice.close)
            closing.push_async_callback(self.transport.close)
            closing.push_async_callback(self.dtls.stop)
            # Over a DTLS connection that has failed, aiortc raises what OpenSSL does.
            closing.push_async_callback(self.sctp.stop)

    def _follow_dtls(self) -> None:
        """Where DTLS ends by itself, SCTP ends with it.

        Its timers would go on and send, in tasks whose ConnectionError is never retrieved.
        """
        if self.dtls.state == "closed" and self._stopping is None:
            self._stopping = asyncio.create_task(self.sctp.stop())
            self._stopping.add_done_callback(_drop_error)

    def _adopt(
        self, channel: RTCDataChannel, on_message: Callable[["CallEndpoint", bytes], None]
    ) -> None:
        self.channel = channel
        channel.on("message", lambda data: on_message(self, _as_bytes(data)))
        if channel.readyState == "open":
            self.opened.set()
        else:
            channel.on("open", self.opened.set)


def _drop_error(task: "asyncio.Task[None]") -> None:
    """Of what ends anyway: retrieved, it is no complaint of asyncio's."""
    if not task.cancelled():
        task.exception()


async def _until_set(event: asyncio.Event) -> None:
    await event.wait()


def _as_bytes(data: str | bytes) -> bytes:
    """Another text message is no echo of ours, and no defect either."""
    return data.encode() if isinstance(data, str) else data
