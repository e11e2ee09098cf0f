"""TLS as a browser goes on with it where OpenSSL gives up: names, and ways to a root."""

import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

from probe.net.address.policy import is_contactable
from probe.net.certificate.certificate import Certificate
from probe.net.certificate.names import Name
from probe.net.protocol.connect import start_tls
from probe.net.protocol.stream import Stream
from probe.net.protocol.tls_chain import Chain, is_named
from probe.net.tls.contexts import (
    ClientContext,
    client_context,
    completed_context,
    sent_chain,
    unnamed_context,
)
from probe.net.tls.issuers import MAX_FETCHED, encoded, issuers_of
from probe.net.tls.observer import TlsObserver

# X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, …_CERT_HAS_EXPIRED, …_ISSUER_CERT_LOCALLY,
# …_VERIFY_LEAF_SIGNATURE: another issuer may mend these.
_MENDED = (2, 10, 20, 21)
_SELF_SIGNED = 19  # X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
_OTHER_NAME = 62  # X509_V_ERR_HOSTNAME_MISMATCH
_Stream = TypeVar("_Stream")


class OtherWays:
    """How a browser goes on with a server whose certificate OpenSSL has refused. ``fetched`` are
    the issuers that the server did not send and the last handshake had."""

    def __init__(self, context: ClientContext, server_name: str, server_ip: str) -> None:
        self._ca_file, self._alpn = context.ca_file, context.alpn
        self._name, self._server = server_name, server_ip.partition("%")[0]
        self.fetched: tuple[str, ...] = ()

    async def follow(
        self,
        refused: ssl.SSLCertVerificationError,
        attempt: Callable[[ClientContext], Awaitable[tuple[_Stream, Chain]]],
        close: Callable[[_Stream], None],
    ) -> _Stream:
        """The first stream that passes of those that ``attempt`` makes with other contexts, each
        with the chain that it verified. Raises the refusal where none does."""
        async with aclosing(self._contexts(refused)) as contexts:
            async for context in contexts:
                try:
                    stream, chain = await attempt(context)
                except ssl.SSLCertVerificationError as error:
                    refused = error if self.fetched else refused
                    continue
                if context.check_hostname or is_named(chain.certificates, self._name):
                    return stream
                close(stream)
        raise refused

    async def _contexts(
        self, error: ssl.SSLCertVerificationError
    ) -> AsyncGenerator[ClientContext, None]:
        sent = sent_chain(error).certificates
        if error.verify_code == _OTHER_NAME and is_named(sent, self._name):
            yield unnamed_context(self._ca_file, self._alpn)
        is_self_signed = error.verify_code == _SELF_SIGNED
        if not sent or not (is_self_signed or error.verify_code in _MENDED):
            return
        for each in _passed_over(sent):
            yield completed_context(self._ca_file, self._alpn, (each,))
        ends = [] if is_self_signed else [sent[0].encoded, sent[-1].encoded]
        if found := await issuers_of(ends, is_contactable(self._server)):
            self.fetched = tuple(each.subject.rfc4514_string() for each in found)
            yield completed_context(self._ca_file, self._alpn, encoded(found))


async def start_browser_tls(
    sock: socket.socket,
    server_name: str,
    handshakes: TlsObserver,
    ca_file: Path | None,
    alpn: tuple[str, ...],
    again: Callable[[], Awaitable[socket.socket]],
) -> Stream:
    """The socket with TLS on it, as ``start_tls`` does it; where a browser takes what OpenSSL has
    refused, on the socket that ``again`` makes. Raises what start_tls raises."""
    context, server = client_context(ca_file, alpn), sock.getpeername()
    try:
        return await start_tls(sock, context, server_name, handshakes)
    except ssl.SSLCertVerificationError as error:
        refused = error

    async def attempt(other: ClientContext) -> tuple[Stream, Chain]:
        stream = await start_tls(await again(), other, server_name, handshakes)
        return stream, handshakes.chains[-1]

    ways = OtherWays(context, server_name, str(server[0]))
    stream = await ways.follow(refused, attempt, Stream.close)
    handshakes.fetched = ways.fetched
    return stream


def _passed_over(sent: Sequence[Certificate]) -> list[bytes]:
    """Of several certificates for one subject OpenSSL takes the first; the others may lead to a
    root (RFC 4158, 2.4)."""
    seen, found = set[Name](), []
    for each in sent[1:]:
        if each.subject in seen and each.issuer != each.subject:
            found.append(each.encoded)
        seen.add(each.subject)
    return found[:MAX_FETCHED]
