"""Certificates of issuers that a server does not send.

They are fetched from where its own says (RFC 5280, 4.2.2.1), as Chromium does. They complete a
chain and are never trusted themselves: what is self-issued is left out. A server elsewhere can't
have this machine, its link or a metadata service asked. Only where an issuer is needed is
cryptography imported, which takes 10 MB.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from probe.core.model import CheckAborted
from probe.net.address.policy import is_contactable
from probe.net.address.unsafe_ports import check_port
from probe.net.fetch.web_address import web_address
from probe.net.protocol import http1
from probe.net.protocol.connect import connect_routed
from probe.net.protocol.errors import PeerError
from probe.net.protocol.exchange import read_bounded, request_for
from probe.net.protocol.stream import Stream
from probe.net.resolver import resolve

if TYPE_CHECKING:
    from cryptography import x509

MAX_FETCHED = 4
MAX_BYTES = 64 << 10
FETCH_SECONDS = 5.0
_MAX_KEPT = 32
_kept: "OrderedDict[str, tuple[x509.Certificate, ...]]" = OrderedDict()


async def issuers_of(sent: list[bytes], is_elsewhere: bool) -> "list[x509.Certificate]":
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
            waiting += encoded(fresh)
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


def encoded(found: "Sequence[x509.Certificate]") -> tuple[bytes, ...]:
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
