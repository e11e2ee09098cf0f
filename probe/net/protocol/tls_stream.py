"""TLS over a connection that is read in small slices: what is decrypted comes in slices, too."""

import ssl
from contextlib import suppress
from socket import socket as Socket

from probe.net.flow.pace import FIRST_SLICE, TURN, ReadPace
from probe.net.flow.tls_records import MAX_HANDSHAKE, HandshakeFlood, RecordBudget
from probe.net.protocol.stream import Stream

# Bytes of a handshake that are read at once: a certificate and its issuer are in them.
_FLIGHT = 4096


class TlsStream(Stream):
    """The same over TLS. ``handshake`` first."""

    def __init__(self, sock: Socket, context: ssl.SSLContext, server_name: str) -> None:
        super().__init__(sock)
        self._budget = RecordBudget()
        # A record of 16 KiB is decrypted as a whole: what is in it has slices of its own.
        self._content_pace, self._last_content = ReadPace(FIRST_SLICE // 2), 0
        self._pace.slice = _FLIGHT
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.connection = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_name
        )

    @property
    def is_idle(self) -> bool:
        is_read = not (self._incoming.pending or self._incoming.eof or self.connection.pending())
        return is_read and super().is_idle

    @property
    def alpn(self) -> str | None:
        return self.connection.selected_alpn_protocol()

    async def handshake(self) -> None:
        """Shake hands and verify. Raises ssl.SSLError, OSError (HandshakeFlood is one).

        The client's last message leaves with what is written next, or before something is read.
        """
        while True:
            try:
                self.connection.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                self._budget.consume(await self._feed(at_once=True))
                if self.received > MAX_HANDSHAKE:
                    raise HandshakeFlood from None
            except ssl.SSLError:
                with suppress(OSError):
                    await self._flush()  # the alert that says why
                raise
            else:
                self._budget.begin()
                self._pace.slice = FIRST_SLICE
                return

    async def read(self, *, at_once: bool = True) -> bytes:
        if self._last_content and at_once:
            await self._take_turn()
        while True:
            if not (self._incoming.pending or self._incoming.eof or self.connection.pending()):
                # OpenSSL would only say that it wants more.
                await self._feed_more(at_once=at_once)
            try:
                content = self.connection.read(self._content_pace.slice)
            except ssl.SSLWantReadError:
                await self._feed_more(at_once=at_once)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            else:
                self._budget.credit(len(content))
                self._last_content = len(content)
                return content

    async def write(self, data: bytes) -> None:
        self.connection.write(data)
        await self._flush()

    def close(self) -> None:
        if not self._closed:
            with suppress(OSError):  # close_notify, as far as it goes without waiting
                self.connection.unwrap()
            with suppress(OSError):
                self._socket.send(self._outgoing.read())
        super().close()

    async def _take_turn(self) -> None:
        """Of what is decrypted already, no more than a turn's worth is handled in one."""
        is_full = self._last_content == self._content_pace.slice
        pause = self._content_pace.charge(self._since_handed(), is_full=is_full)
        if pause or self._busy > TURN / 2:
            await self._rest(pause)

    async def _feed_more(self, *, at_once: bool) -> None:
        self._last_content = 0
        if self._outgoing.pending:
            await self._flush()  # a key update is answered
        self._budget.check()
        self._budget.consume(await self._feed(at_once=at_once))

    async def _feed(self, *, at_once: bool) -> bytes:
        data = await self._receive(at_once=at_once)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return data

    async def _flush(self) -> None:
        await super().write(self._outgoing.read())
