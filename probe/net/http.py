"""HTTP as a visit of a browser makes it, with every phase timed and every error translated.

Exceptions become causes here and nowhere else:

NotMeasured, CheckFailed         as raised by probe.net.resolver
ssl.SSLCertVerificationError     tls_invalid
ssl.SSLError                     tls_failed
ConnectionRefusedError           connect_refused
ConnectionResetError, Truncated  connection_closed
other OSError                    connect_failed
Flood, TlsFlood                  flooded
NotHttp, ProtocolViolation       protocol_error
"""

import json as json_module
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.address.ranges import is_literal, is_unreachable
from probe.net.connections import Connections
from probe.net.cookies.cookies import Cookies, CookieUse
from probe.net.fetch.page_fetch import PageFetch
from probe.net.fetch.page_opening import PageOpening
from probe.net.fetch.redirect import Response
from probe.net.fetch.timing import Timing
from probe.net.protocol import http1, http2
from probe.net.protocol.connect import Connector, SocketFactory, connect_routed
from probe.net.protocol.errors import PeerError, Unprocessed
from probe.net.protocol.exchange import (
    HttpResponse,
    Request,
    read_bounded,
    request_for,
    skim_bounded,
)
from probe.net.protocol.stream import Stream
from probe.net.protocol.translation import translate
from probe.net.proxies import Proxy, proxy_for
from probe.net.proxies.tunnel import connect_through, through
from probe.net.resolver import Address, is_filtered, resolve
from probe.net.tls.observer import TlsObserver
from probe.net.tls.other_ways import start_browser_tls

__all__ = ["FreshHttpClient", "fresh_client", "is_literal", "read_bounded", "translate"]

ALPN = ("h2", "http/1.1")
MAX_REPEATED = 2  # so often a request that was not processed is sent again, as in Chromium


class FreshHttpClient:
    """The requests of one visit: its cookies, and connections that were kept (``leave``), end
    with it. A proxy is used only where the environment names one (``probe.net.proxies``).
    ``timing`` and ``tls`` are filled also when a request raises.
    """

    def __init__(
        self,
        ca_file: Path | None,
        clock: Callable[[], float],
        host: str,
        on_phase: Callable[[str], None],
        detour: SocketFactory | None = None,
        connector: Connector | None = None,
    ) -> None:
        self._connector = connector
        self.timing = Timing(clock, on_phase)
        self.tls = TlsObserver()
        self._ca_file, self._host, self._detour = ca_file, host, detour
        self._cookies = Cookies()
        self._connections = Connections(self.timing)
        self._proxy: Proxy | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if isinstance(error, PeerError | OSError) and (aborted := self.translate(error)):
            raise aborted from None

    @property
    def phase(self) -> str:
        """The phase under way, or the last one."""
        return self.timing.current

    def open(
        self,
        url: str,
        *,
        max_redirects: int | None = None,
        headers: Mapping[str, str] | None = None,
        fetch: PageFetch | None = None,
    ) -> PageOpening:
        """Get a page within ``async with``, following redirects unless ``max_redirects`` is None;
        with ``fetch`` as the script of another page does.

        Entering it raises CheckAborted for a target that does not get as far as an answer.
        """
        return PageOpening(self, url, max_redirects, headers or {}, fetch)

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: str | URL,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        json: object = None,
        cookies: CookieUse = True,
        keep: bool = False,
    ) -> AsyncIterator[HttpResponse]:
        """One request; ``keep`` leaves its connection to those that follow. Raises CheckAborted."""
        address, given = URL(url), dict(headers or {})
        if json is not None:
            body = json_module.dumps(json).encode()
            given.setdefault("Content-Type", "application/json")
        response = await self.start(method, address, given, body, cookies=cookies)
        try:
            try:
                yield response
            except (PeerError, OSError) as error:
                raise (self.translate(error) or error) from None
            if keep:
                await self.leave(response, address)
        finally:
            if not self._connections.holds(response):
                self.finish(response)

    async def start(
        self,
        method: str,
        address: URL,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        upgrade: bool = False,
        shares: bool = False,
        cookies: CookieUse = True,
    ) -> HttpResponse:
        """A request and its response's head; ``finish`` or ``leave`` ends it. An ``upgrade`` that
        ``shares`` goes by HTTP/2 where a kept connection announced it. Raises CheckAborted."""
        by_http2 = not upgrade or (shares and self._connections.takes_tunnels(address))
        alpn = ALPN if by_http2 else ALPN[1:]
        kept = self._cookies.header_for(address, cookies)
        sending = request_for(method, address, headers, body, kept)
        self._host = address.host_port_subcomponent or ""
        try:
            response = await self._response(sending, address, alpn, upgrade=upgrade)
        except (PeerError, OSError) as error:
            raise (self.translate(error) or error) from None
        self._cookies.keep(response, address, cookies)
        return response

    async def _response(
        self, sending: Request, address: URL, alpn: tuple[str, ...], *, upgrade: bool
    ) -> HttpResponse:
        """On a kept connection or another one; what was not processed is sent again."""
        for _ in range(MAX_REPEATED):
            try:
                return await self._attempt(sending, address, alpn, upgrade=upgrade)
            except Unprocessed as refusal:
                alpn = ALPN[1:] if refusal.by_http1 else alpn
        return await self._attempt(sending, address, alpn, upgrade=upgrade)

    async def _attempt(
        self, sending: Request, address: URL, alpn: tuple[str, ...], *, upgrade: bool
    ) -> HttpResponse:
        if not upgrade and (on_kept := await self._connections.answer(sending, address)):
            return on_kept
        return await self._exchange(sending, address, alpn, upgrade=upgrade)

    async def _exchange(
        self, sending: Request, address: URL, alpn: tuple[str, ...], *, upgrade: bool
    ) -> HttpResponse:
        stream = await self._connect(address, alpn, tunnel=upgrade)
        try:
            self.timing.enter("processing")
            if self._proxy is not None and address.scheme == "http" and not upgrade:
                sending = through(self._proxy, sending)
            protocol = http2.exchange if stream.alpn == "h2" else http1.exchange
            response: HttpResponse = await protocol(stream, sending, upgrade=upgrade)
        except BaseException:
            self._connections.end(stream)
            raise
        self.timing.enter("transfer")
        return response

    def finish(self, response: HttpResponse) -> None:
        """End the connection of a response."""
        self._connections.end(response.stream)

    async def leave(self, response: HttpResponse, address: URL) -> None:
        """End a response; its connection serves the next request, where a browser's would."""
        if self._proxy is None:
            await self._connections.keep(response, address)
        else:
            self.finish(response)

    async def upgrade(
        self,
        url: str | URL,
        headers: Mapping[str, str],
        cookies: CookieUse = True,
        shares: bool = False,
    ) -> HttpResponse:
        """A request for another protocol, which lasts until ``close``. Raises CheckAborted."""
        return await self.start(
            "GET", URL(url), headers, upgrade=True, shares=shares, cookies=cookies
        )

    async def read(self, page: Response, limit: int) -> bytes:
        """The page's body; see read_bounded."""
        body = await read_bounded(page.response, limit)
        self.timing.leave()
        return body

    async def skim(self, page: Response, limit: int, kept: bytearray | None = None) -> int | None:
        """Read a body that is not judged; see skim_bounded."""
        length = await skim_bounded(page.response, limit, kept)
        self.timing.leave()
        return length

    def translate(self, error: BaseException, host: str | None = None) -> CheckAborted | None:
        """The cause behind an exception of a connection, or None if it isn't one. ``host`` is the
        one that the message names; by default that of the last request."""
        if aborted := translate(error, host or self._host, self.tls):
            aborted.phase = aborted.phase or self.phase
        return aborted

    def close(self) -> None:
        """End every connection, and those that are still being made."""
        self._connections.close()

    async def _connect(
        self, address: URL, alpn: tuple[str, ...], *, tunnel: bool = False
    ) -> Stream:
        """``tunnel``: through a proxy by CONNECT, as WebSocket wants it (RFC 6455, 4.1)."""
        self._proxy = None if self._detour or is_filtered() else proxy_for(str(address))
        if self._connector is not None:
            return self._connections.add(
                await self._connector(address, alpn, self.timing, self.tls)
            )
        sock = await self._socket(address, tunnel=tunnel)
        if address.scheme != "https":
            return self._connections.add(Stream(sock))
        name = (address.raw_host or "").partition("%")[0].removesuffix(".")  # RFC 6066, 3
        stream = await start_browser_tls(
            sock, name, self.tls, self._ca_file, alpn, lambda: self._socket(address, tunnel=tunnel)
        )
        return self._connections.add(stream)

    async def _socket(self, address: URL, *, tunnel: bool) -> socket.socket:
        addresses = [] if self._proxy else await self._addresses(address)
        self.timing.enter("connect")
        if self._proxy is not None:
            whole = tunnel or address.scheme == "https"
            sock = await connect_through(self._proxy, address, tunnel=whole)
        else:
            sock = await connect_routed(address.raw_host or "", addresses, self._detour)
        if address.scheme == "https":
            self.timing.enter("tls")
        return sock

    async def _addresses(self, address: URL) -> list[Address]:
        host, port = address.raw_host or "", address.port or 80
        if not is_literal(host):
            self.timing.enter("resolve")
        elif is_unreachable(host):
            message = f"{host} is a reserved address"
            raise CheckFailed(Cause.ADDRESS_RESERVED, message, phase="resolve")
        return await resolve(host, port)


def fresh_client(
    *,
    ca_file: Path | None,
    clock: Callable[[], float],
    host: str,
    on_phase: Callable[[str], None] = lambda _: None,
    detour: SocketFactory | None = None,
    connector: Connector | None = None,
) -> FreshHttpClient:
    """A fresh client, for ``async with``; connection errors inside leave as CheckAborted with
    their phase. ``on_phase`` is called with each phase as it begins. ``detour`` makes sockets that
    lead through a forwarder, ``connector`` whole connections, without a proxy."""
    return FreshHttpClient(ca_file, clock, host, on_phase, detour, connector)
