"""Opens the transport that a URI names."""

import ssl
from typing import cast

from probe.core.model import CheckFailed
from probe.net.protocol.tls_chain import chain_of
from probe.net.resolver import Address
from probe.net.tls import check_certificate
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


async def secure_transport(transport: Transport, url: TurnUri, context: ssl.SSLContext) -> None:
    """TLS over a TCP connection. Raises CheckFailed with the phase."""
    stream = cast(StreamTransport, transport)
    try:
        await stream.secure(context, url.host)
    except OSError as error:
        raise tls_error_of(error, format_hostport(url.host, url.port)) from None
    if (tls := stream.tls_object) is not None:
        try:
            check_certificate(chain_of(tls, verified=True), url.host, tls)
        except CheckFailed:
            stream.abort()
            raise
