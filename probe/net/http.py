"""HTTP on a fresh connection each time, with every phase timed and every error translated.

aiohttp's exceptions are turned into causes here and nowhere else:

ClientConnectorDNSError          as raised by probe.net.resolver
ClientConnectorCertificateError  tls_invalid
ClientConnectorSSLError          tls_failed
ClientConnectorError             connect_refused | connect_failed
ServerDisconnected, OSError      connection_closed
ClientPayloadError               connection_closed | protocol_error
ClientResponseError, other       protocol_error
"""

import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import ContentEncodingError
from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.proxies import Proxy, proxy_error, proxy_for
from probe.net.resolver import Address, connection_error, has_route, is_unreachable, resolve
from probe.net.timing import Timing, socket_factory, trace_config
from probe.net.tls import TlsObserver, client_context, observe_handshakes, translate_tls

USER_AGENT = "paircam-probe"
REDIRECT = "redirect"

_REDIRECTS = (301, 302, 303, 307, 308)
_CLOSED = (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE)


class _Resolver(AbstractResolver):
    """Our own look-up for aiohttp, which keeps its reason for failing."""

    def __init__(self) -> None:
        self.error: CheckAborted | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            found = await resolve(host, port, family=family)
        except CheckAborted as error:
            self.error = error
            raise OSError(None, error.message) from None
        # Without a route over IPv6 its addresses would only blur why the others failed.
        routed = [address for address in found if has_route(address)]
        return [self._entry(host, address) for address in routed or found]

    async def close(self) -> None:
        """Nothing is held."""

    @staticmethod
    def _entry(host: str, address: Address) -> ResolveResult:
        return ResolveResult(
            hostname=host,
            host=address.ip,
            port=address.port,
            family=address.family,
            proto=0,
            flags=socket.AI_NUMERICHOST,
        )


@dataclass(frozen=True, slots=True)
class Response:
    """An answer whose headers are there; how many redirects led to it, and where it is."""

    response: aiohttp.ClientResponse
    url: URL
    redirects: int


class FreshHttpClient:
    """One fresh client: no connection is kept, no cookie of ours gets in between; a proxy only
    where the environment names one (``probe.net.proxies``).

    Use as ``async with browse(...) as browser``. ``timing`` and ``tls`` tell how it went,
    also when a request raises.
    """

    def __init__(
        self,
        ca_file: Path | None,
        clock: Callable[[], float],
        host: str,
        on_phase: Callable[[str], None],
        detour: Callable[[int], socket.socket] | None = None,
    ) -> None:
        self.timing = Timing(clock, on_phase)
        self.tls = TlsObserver(partial(self.timing.enter, "tls"))
        self._host = host
        self._is_direct = detour is not None
        self._proxy: Proxy | None = None
        self._resolver = _Resolver()
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            ssl=client_context(ca_file),
            force_close=True,
            use_dns_cache=False,
            socket_factory=socket_factory(self.timing, detour),
        )
        # The runner's deadline is the only one: two clocks would give two answers.
        self.session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            trace_configs=[trace_config(self.timing)],
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
        )

    @property
    def phase(self) -> str:
        """The phase under way, or the last one."""
        return self.timing.current

    @asynccontextmanager
    async def open(
        self,
        url: str,
        *,
        max_redirects: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Response]:
        """Get a page, following redirects unless ``max_redirects`` is None.

        Raises CheckFailed for a target that does not get as far as an answer.
        """
        address, redirects = URL(url), 0
        seen: set[URL] = set()
        while True:
            seen.add(address)
            self._go_to(address)
            async with self.session.get(
                address,
                headers=headers,
                allow_redirects=False,
                middlewares=(self._once,),
                **self.proxied(str(address)),
            ) as response:
                page = Response(response, address, redirects)
                following = None if max_redirects is None else redirect_target(page)
                if following is None:
                    yield page
                    return
            if following in seen:
                # Without cookies the same page says the same again; going round would only
                # spend the target's rate limit.
                message = f"the redirects lead in a circle of {len(seen)}"
                raise CheckFailed(Cause.TOO_MANY_REDIRECTS, message, phase=REDIRECT)
            if redirects == max_redirects:
                message = f"more than {max_redirects} redirects in a row"
                raise CheckFailed(Cause.TOO_MANY_REDIRECTS, message, phase=REDIRECT)
            address, redirects = following, redirects + 1

    def proxied(self, url: str) -> dict[str, Any]:
        """Options of a request to an address: the proxy that leads there, if there is one."""
        self._proxy = None if self._is_direct else proxy_for(url)
        return self._proxy.options if self._proxy else {}

    async def read(self, page: Response, limit: int) -> bytes:
        """The page's body; see read_bounded."""
        body = await read_bounded(page.response, limit)
        self.timing.leave()
        return body

    def translate(self, error: BaseException, host: str | None = None) -> CheckAborted | None:
        """The cause behind an exception of aiohttp, or None if it isn't one of its.

        ``host`` is whom the message names, if not the one that was last asked.
        """
        named = host or self._host
        stop = proxy_error(error, self._proxy, named) or self._resolver.error
        stop = stop or translate(error, named)
        if stop is not None:
            stop.phase = stop.phase or self.phase
        return stop

    def _go_to(self, address: URL) -> None:
        self._host = address.host_port_subcomponent or ""
        # aiohttp does not ask the resolver about literal addresses.
        with suppress(ValueError):
            if is_unreachable(address.host or ""):
                raise CheckFailed(
                    Cause.ADDRESS_RESERVED, f"{address.host} is a reserved address", phase="resolve"
                )

    async def _once(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Left alone, aiohttp repeats a GET whose connection breaks, and hides the break."""
        try:
            return await handler(request)
        except (aiohttp.ClientError, OSError) as error:
            stop = self.translate(error)
            if stop is None:
                raise
            raise stop from None


@asynccontextmanager
async def fresh_client(
    *,
    ca_file: Path | None,
    clock: Callable[[], float],
    host: str,
    on_phase: Callable[[str], None] = lambda _: None,
    detour: Callable[[int], socket.socket] | None = None,
) -> AsyncIterator[FreshHttpClient]:
    """A fresh Browser; exceptions of aiohttp inside leave as CheckFailed with their phase.

    ``on_phase`` is told the name of each phase as it begins. ``detour`` makes sockets that
    lead through a forwarder.
    """
    browser = FreshHttpClient(ca_file, clock, host, on_phase, detour)
    try:
        with observe_handshakes(browser.tls):
            yield browser
    except (aiohttp.ClientError, OSError, ValueError) as error:
        stop = browser.translate(error)
        if stop is None:
            raise
        raise stop from None
    finally:
        await browser.session.close()


async def read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, at most ``limit`` bytes (after decompression).

    Raises CheckFailed(body_too_large) beyond them, whatever the headers promised.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise CheckFailed(
                Cause.BODY_TOO_LARGE,
                f"more than {limit} bytes of body",
                phase="transfer",
            )
    return bytes(body)


def translate(error: BaseException, host: str) -> CheckAborted | None:
    """The one place where an exception of aiohttp becomes a cause; None if it isn't one."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return translate(error.certificate_error, host)
    if isinstance(error, aiohttp.ClientConnectorError):
        return translate(error.os_error, host)
    if isinstance(error, ssl.SSLError):
        return translate_tls(error, host)
    if isinstance(error, OSError | aiohttp.ServerDisconnectedError):
        return _translate_connection(error, host)
    if isinstance(error, aiohttp.ClientPayloadError):
        if isinstance(error.__cause__, ContentEncodingError):
            return CheckFailed(Cause.PROTOCOL_ERROR, f"what {host} sends can't be unpacked")
        return CheckFailed(Cause.CONNECTION_CLOSED, f"{host} broke off in mid-answer")
    if isinstance(error, aiohttp.ClientError):
        return CheckFailed(Cause.PROTOCOL_ERROR, f"{host} does not speak proper HTTP")
    return None


def _translate_connection(
    error: OSError | aiohttp.ServerDisconnectedError, host: str
) -> CheckAborted | None:
    if isinstance(error.__cause__, ssl.SSLError):  # an alert after the handshake
        return translate_tls(error.__cause__, host)
    code = error.errno if isinstance(error, OSError) else errno.ECONNRESET
    if code in _CLOSED or isinstance(error, ConnectionResetError | ConnectionAbortedError):
        return CheckFailed(Cause.CONNECTION_CLOSED, f"{host} closed the connection")
    if code == errno.ECONNREFUSED:
        return CheckFailed(Cause.CONNECT_REFUSED, f"{host} refuses the connection")
    reason = getattr(error, "strerror", None) or "none of its addresses answers"
    message = f"no connection to {host}: {reason}"
    if isinstance(error, OSError):
        return connection_error(error, message)
    return CheckFailed(Cause.CONNECT_FAILED, message)


def redirect_target(page: Response) -> URL | None:
    """Where an answer sends us; None if it is no redirect.

    Raises CheckFailed(protocol_error) for a redirect to what is no web address.
    """
    location = page.response.headers.get("Location")
    if page.response.status not in _REDIRECTS or location is None:
        return None
    with suppress(ValueError):
        target = page.url.join(URL(location))
        if target.scheme in ("http", "https") and target.host:
            return target
    raise CheckFailed(
        Cause.PROTOCOL_ERROR, "it redirects to something that is no web address", phase=REDIRECT
    )
