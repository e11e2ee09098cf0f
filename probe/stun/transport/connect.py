"""Opens the transport that a URI names."""

import ssl
from collections.abc import Awaitable, Callable
from typing import cast

from probe.core.model import CheckFailed
from probe.net.protocol.tls_chain import Chain, chain_of
from probe.net.resolver import Address
from probe.net.tls.contexts import ClientContext
from probe.net.tls.other_ways import OtherWays
from probe.net.tls.verdict import check_certificate
from probe.stun.transport import Receiver, Transport
from probe.stun.transport.stream import StreamTransport, open_stream
from probe.stun.transport.udp import open_udp
from probe.stun.transport_errors import tls_error_of
from probe.stun.uri import TurnUri, format_hostport


async def connect_transport(url: TurnUri, address: Address, receiver: Receiver) -> Transport:
    """The socket alone; TLS comes in a step of its own. Raises CheckFailed with the phase."""
    place = format_hostport(url.host, url.port)
    if url.kind == "udp":
        return await open_udp(address, receiver, place)
    return await open_stream(address, receiver, place)


async def secure_transport(
    transport: Transport,
    url: TurnUri,
    context: ClientContext,
    again: Callable[[], Awaitable[Transport]],
) -> tuple[str, ...]:
    """TLS over a TCP connection, or over the one that ``again`` makes where a browser takes what
    OpenSSL has refused; the issuers that were fetched for it. Raises CheckFailed with the phase."""
    stream = cast(StreamTransport, transport)
    ways = OtherWays(context, url.host, stream.server)

    async def attempt(other: ClientContext) -> tuple[StreamTransport, Chain]:
        fresh = cast(StreamTransport, await again())
        await _secure(fresh, url, other)
        return fresh, _chain(fresh)

    try:
        try:
            await _secure(stream, url, context)
        except ssl.SSLCertVerificationError as error:
            await ways.follow(error, attempt, StreamTransport.abort)
    except OSError as error:
        raise tls_error_of(error, format_hostport(url.host, url.port)) from None
    return ways.fetched


async def _secure(stream: StreamTransport, url: TurnUri, context: ClientContext) -> None:
    await stream.secure(context, url.host)
    if (tls := stream.tls_object) is not None:
        try:
            check_certificate(_chain(stream), url.host, tls)
        except CheckFailed:
            stream.abort()
            raise


def _chain(stream: StreamTransport) -> Chain:
    tls = stream.tls_object
    return Chain(()) if tls is None else chain_of(tls, verified=True)
