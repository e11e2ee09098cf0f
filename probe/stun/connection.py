"""One transport to one address of a TURN server, and the requests that are under way on it."""

import ssl
import time
from collections.abc import Callable

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.resolver import Address
from probe.net.tls.contexts import ClientContext
from probe.stun import message as messages
from probe.stun.codec import MessageClass, StunMessage
from probe.stun.transaction import RetransmissionTimers, Transactions
from probe.stun.transport import Phases, Transport
from probe.stun.transport.connect import connect_transport, secure_transport
from probe.stun.uri import TurnUri

# What one connection may bring: far more than any measurement asks for, plus a multiple of
# what was sent. Who sends more than that floods us.
MAX_MESSAGES, MESSAGES_FOR_ONE = 2000, 8
MAX_BYTES, BYTES_FOR_ONE = 4 << 20, 8

_CONFIRMING = frozenset((0x0001, 0x0101, 0x0003, 0x0103))
# Those of RFC 3489 and of TURN's first drafts that are answered.
_EXPECTED = _CONFIRMING | {0x0111, 0x0002, 0x0102, 0x0112, 0x0113, 0x0004, 0x0104, 0x0114}
_UNEXPECTED = (
    "the server sends other messages before it grants the allocation: browsers close the connection"
)


class StunConnection:
    """Use: ``connect``, ``secure``, then ``transactions``; ``abort`` at any moment.

    ``on_channel_data`` and ``on_indication`` take what comes unasked and say whether they could
    use it; ``on_lost`` is called once, with the reason, when the transport is lost.
    ``fetched`` are issuers of the server's certificate that it did not send.
    """

    def __init__(self, url: TurnUri, address: Address, timers: RetransmissionTimers) -> None:
        self.url, self.address = url, address
        self.transactions = Transactions(self.send, reliable=False, timers=timers)
        self.lost: CheckAborted | None = None
        self.bytes_sent = self.bytes_received = 0
        self.fetched: tuple[str, ...] = ()
        self.channels: Callable[[int], bool] = lambda _: False
        self.on_channel_data: Callable[[bytes], bool] = lambda _: False
        self.on_indication: Callable[[StunMessage], bool] = lambda _: False
        self.on_lost: Callable[[CheckAborted], None] = lambda _: None
        self._transport: Transport | None = None
        self._messages_sent = self._messages_received = 0
        self._is_confirmed = False

    async def connect(self) -> None:
        """The socket, for TCP and TLS connected. Raises CheckFailed with the phase."""
        self.transactions.reliable = (await self._connect()).reliable

    async def secure(self, phases: Phases, tls: ClientContext | None) -> None:
        """TLS, for ``turns:``; times the phase ``tls``. Raises CheckFailed with the phase."""
        if self.url.kind == "tls" and self._transport is not None and tls is not None:
            with phases("tls"):
                again = self._connect
                self.fetched = await secure_transport(self._transport, self.url, tls, again)

    @property
    def local(self) -> tuple[str, int]:
        """Our own address and port."""
        return self._transport.local if self._transport is not None else ("", 0)

    def since_arrival(self) -> float:
        """How many seconds ago the last message reached this machine: what this process itself
        has added to a round trip that ends with it."""
        if self._transport is None or not self._transport.arrived:
            return 0.0
        return max(0.0, time.monotonic() - self._transport.arrived)

    @property
    def tls_object(self) -> ssl.SSLObject | None:
        """The TLS session, once established."""
        return self._transport.tls_object if self._transport is not None else None

    def send(self, packet: bytes) -> None:
        """Send one message."""
        if self._transport is not None:
            self._messages_sent += 1
            self.bytes_sent += len(packet)
            self._transport.send(packet)

    def abort(self) -> None:
        """Close the socket at once; nothing is said to ``on_lost`` of what we end ourselves."""
        self.on_lost = lambda _: None
        if self._transport is not None:
            self._transport.abort()
        # After this nothing that is still asked can wait for ever.
        self.transactions.fail(CheckFailed(Cause.CONNECTION_CLOSED, "we closed the connection"))

    def has_channel(self, number: int) -> bool:
        """Whether ChannelData may come with this number: once the server has shown that it
        speaks STUN with any, as in browsers, which drop what belongs to no channel."""
        if self.transactions.answered:
            return messages.FIRST_CHANNEL <= number <= messages.LAST_CHANNEL
        return self.channels(number)

    def message_received(self, frame: bytes) -> None:
        """Take what the transport brings; untrusted bytes never raise here."""
        self._messages_received += 1
        self.bytes_received += len(frame)
        if self._is_flooded():
            message = (
                f"{self._messages_received} messages of {self.bytes_received} bytes came, far more "
                "than was asked for"
            )
            self.connection_lost(CheckFailed(Cause.FLOODED, message))
            self.abort()
        elif messages.is_channel_data(frame) and self._ends_stream(frame):
            self._refuse_stream()
        elif messages.is_channel_data(frame):
            if not self.on_channel_data(frame) and not self.transactions.answered:
                self.transactions.unparsable_received()
        else:
            self._message_received(frame)

    def connection_lost(self, error: CheckAborted) -> None:
        """End everything that waits; the first reason is kept."""
        if self.lost is None:
            self.lost = error
            self.transactions.fail(error)
            self.on_lost(error)

    async def _connect(self) -> Transport:
        self._transport = await connect_transport(self.url, self.address, self)
        return self._transport

    def _message_received(self, frame: bytes) -> None:
        message = messages.read_message(frame)
        if message is None:
            self.transactions.unparsable_received(messages.transaction_of(frame))
        elif self._ends_stream(frame):
            self._refuse_stream()
        elif message.message_class == MessageClass.INDICATION:
            self.on_indication(message)
        else:
            self.transactions.received(message)

    def _ends_stream(self, frame: bytes) -> bool:
        """Whether a browser closes a stream for it: Chromium's network::P2PSocketTcp wants a
        request or a success of Binding or Allocate before it takes anything but STUN's answers."""
        if self._is_confirmed or not self.transactions.reliable:
            return False
        kind = int.from_bytes(frame[:2], "big")
        self._is_confirmed = kind in _CONFIRMING
        is_stun = not messages.is_channel_data(frame)
        return (is_stun or self.transactions.answered) and kind not in _EXPECTED

    def _refuse_stream(self) -> None:
        self.connection_lost(CheckFailed(Cause.PROTOCOL_ERROR, _UNEXPECTED))
        self.abort()

    def _is_flooded(self) -> bool:
        return (
            self._messages_received > MAX_MESSAGES + MESSAGES_FOR_ONE * self._messages_sent
            or self.bytes_received > MAX_BYTES + BYTES_FOR_ONE * self.bytes_sent
        )
