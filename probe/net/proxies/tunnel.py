"""The way through an HTTP proxy: a connection to it, and CONNECT (RFC 9110, 9.3.6)."""

import socket
from dataclasses import replace

from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.protocol import http1
from probe.net.protocol.connect import connect_tcp
from probe.net.protocol.errors import PeerError
from probe.net.protocol.exchange import Request
from probe.net.protocol.stream import Stream
from probe.net.proxies import HINT, Proxy
from probe.net.resolver import resolve

# What a proxy answers to CONNECT when the target doesn't let it connect.
_UNREACHABLE = (502, 503, 504)
_PHASE = "connect"


async def connect_to_proxy(proxy: Proxy) -> socket.socket:
    """A connection to a proxy. Raises NotMeasured(own_network) where there is none to be had."""
    try:
        return await connect_tcp(await resolve(*proxy.address))
    except (CheckAborted, OSError) as error:
        why = error.message if isinstance(error, CheckAborted) else error.strerror or ""
        message = f"no connection to the proxy {proxy.host}" + (f": {why}" if why else "")
        raise NotMeasured(Cause.OWN_NETWORK, message, phase=_PHASE, hint=HINT) from None


async def connect_through(proxy: Proxy, address: URL, *, tunnel: bool) -> socket.socket:
    """A connection by way of a proxy, which leads to the address itself with ``tunnel``."""
    sock = await connect_to_proxy(proxy)
    if tunnel:
        await open_tunnel(sock, proxy, f"{address.host_subcomponent}:{address.port}")
    return sock


async def open_tunnel(sock: socket.socket, proxy: Proxy, authority: str) -> None:
    """Have the proxy connect to ``HOST:PORT``; the socket then leads there.

    Closes it and raises CheckFailed(connect_failed) where the proxy can't reach the target,
    NotMeasured(own_network) where it refuses.
    """
    stream = Stream(sock)
    try:
        request = Request("CONNECT", "http", authority, authority, proxy.headers)
        status = (await http1.exchange(stream, request)).status
    except (PeerError, OSError):
        stream.close()
        message = f"the proxy {proxy.host} does not answer CONNECT {authority} as it should"
        raise NotMeasured(Cause.OWN_NETWORK, message, phase=_PHASE, hint=HINT) from None
    except BaseException:
        stream.close()
        raise
    if 200 <= status < 300:
        stream.hand_over()
        return
    stream.close()
    message = f"the proxy {proxy.host} answers {status} to CONNECT {authority}"
    if status in _UNREACHABLE:
        raise CheckFailed(Cause.CONNECT_FAILED, message, phase=_PHASE)
    raise NotMeasured(Cause.OWN_NETWORK, message, phase=_PHASE, hint=HINT)


def through(proxy: Proxy, request: Request) -> Request:
    """A request as a proxy takes it: by its whole address (RFC 9112, 3.2.2)."""
    target = f"{request.scheme}://{request.authority}{request.target}"
    return replace(request, target=target, headers=[*request.headers, *proxy.headers])
