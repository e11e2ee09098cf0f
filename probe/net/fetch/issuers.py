"""TLS as a browser goes on with it where OpenSSL gives up: names, and ways to a root.

Certificates of issuers that a server does not send are fetched from where its own says (RFC 5280,
4.2.2.1), as Chromium does. They complete a chain and are never trusted themselves: what is
self-issued is left out. A server elsewhere can't have this machine, its link or a metadata service
asked. Only where an issuer is needed is cryptography imported, which takes 10 MB.
"""

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from probe.core.model import CheckAborted
from probe.net.address.policy import is_contactable
from probe.net.address.unsafe_ports import check_port
from probe.net.certificate.certificate import Certificate
from probe.net.certificate.names import Name
from probe.net.fetch.web_address import web_address
from probe.net.protocol import http1
from probe.net.protocol.connect import connect_routed, start_tls
from probe.net.protocol.errors import PeerError
from probe.net.protocol.exchange import read_bounded, request_for
from probe.net.protocol.stream import Stream
from probe.net.protocol.tls_chain import Chain, is_named
from probe.net.resolver import resolve
from probe.net.tls import (
    ClientContext,
    TlsObserver,
    client_context,
    completed_context,
    sent_chain,
    unnamed_context,
)

if TYPE_CHECKING:
    from cryptography import x509

MAX_FETCHED = 4
MAX_BYTES = 64 << 10
FETCH_SECONDS = 5.0
# X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, …_CERT_HAS_EXPIRED, …_ISSUER_CERT_LOCALLY,
# …_VERIFY_LEAF_SIGNATURE: another issuer may mend these.
_MENDED = (2, 10, 20, 21)
_SELF_SIGNED = 19  # X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
_OTHER_NAME = 62  # X509_V_ERR_HOSTNAME_MISMATCH
_MAX_KEPT = 32
_Stream = TypeVar("_Stream")
_kept: "OrderedDict[str, tuple[x509.Certificate, ...]]" = OrderedDict()


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
        if found := await _issuers_of(ends, is_contactable(self._server)):
            self.fetched = tuple(each.subject.rfc4514_string() for each in found)
            yield completed_context(self._ca_file, self._alpn, _encoded(found))


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


async def _issuers_of(sent: list[bytes], is_elsewhere: bool) -> "list[x509.Certificate]":
    waiting, fetched = list(sent), set[str]()
    found: list[x509.Certificate] = []
    while waiting and len(fetched) < MAX_FETCHED:
        for url in _addresses(waiting.pop(0)):
            if url in fetched or len(fetched) == MAX_FETCHED:
                continue
            fetched.add(url)
            fresh = [
                each for each in await _fetched(url, is_elsewhere) if each.issuer != each.subject
            ]
            found += fresh
            waiting += _encoded(fresh)
    return found


def _addresses(encoded: bytes) -> list[str]:
    """Where a certificate's issuer is to be had; http: alone, as in Chromium."""
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    try:
        extensions = x509.load_der_x509_certificate(encoded).extensions
        access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    wanted = AuthorityInformationAccessOID.CA_ISSUERS
    places = (each.access_location for each in access if each.access_method == wanted)
    uris = (each.value for each in places if isinstance(each, x509.UniformResourceIdentifier))
    return [each for each in uris if each.lower().startswith("http://")]


def _encoded(found: "Sequence[x509.Certificate]") -> tuple[bytes, ...]:
    from cryptography.hazmat.primitives.serialization import Encoding

    return tuple(each.public_bytes(Encoding.DER) for each in found)


async def _fetched(url: str, is_elsewhere: bool) -> "tuple[x509.Certificate, ...]":
    """The certificates there; none where they can't be had. Kept for as long as the process."""
    if url not in _kept:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                found = _read(await _body(url, is_elsewhere))
        except (CheckAborted, PeerError, OSError, ValueError):
            return ()
        _kept[url] = found
        if len(_kept) > _MAX_KEPT:
            _kept.popitem(last=False)
    return _kept[url]


async def _body(url: str, is_elsewhere: bool) -> bytes:
    address = web_address(url)
    check_port(address)
    found = await resolve(address.raw_host or "", address.port or 80)
    if is_elsewhere and not all(is_contactable(each.ip) for each in found):
        return b""
    stream = Stream(await connect_routed(address.raw_host or "", found))
    try:
        response = await http1.exchange(stream, request_for("GET", address, {}, b"", ""))
        return await read_bounded(response, MAX_BYTES) if response.status == 200 else b""
    finally:
        stream.close()


def _read(body: bytes) -> "tuple[x509.Certificate, ...]":
    """DER, PEM, or PKCS #7 (RFC 5280, 4.2.2.1). Raises ValueError."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import pkcs7

    if b"-----BEGIN" in body:
        return tuple(x509.load_pem_x509_certificates(body)[:MAX_FETCHED])
    try:
        return (x509.load_der_x509_certificate(body),)
    except ValueError:
        return tuple(pkcs7.load_der_pkcs7_certificates(body)[:MAX_FETCHED])
