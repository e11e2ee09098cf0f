"""Connections of the probers: the wanted address family, the module's TLS, and what was seen."""

import hashlib
import ipaddress
import socket
import ssl
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.exporter.modules.fields import Addressed, Protocol
from probe.exporter.modules.tls import TlsConfig
from probe.exporter.probers import signals
from probe.net.address.ranges import is_unreachable
from probe.net.certificate.certificate import Certificate
from probe.net.fetch.timing import Timing
from probe.net.protocol.connect import connect_tcp, start_tls
from probe.net.protocol.stream import Stream
from probe.net.protocol.tls_chain import Chain, chain_of
from probe.net.protocol.tls_stream import TlsStream
from probe.net.resolver import Address, resolve, routed
from probe.net.tls.contexts import client_context
from probe.net.tls.observer import TlsObserver

_FAMILIES: dict[Protocol, int] = {"ip4": socket.AF_INET, "ip6": socket.AF_INET6}
_MAX_LABEL = 1024


async def addresses_of(host: str, port: int, settings: Addressed) -> list[Address]:
    """The addresses to try, those of the preferred family first. Raises CheckAborted."""
    if _is_reserved(host):
        raise CheckFailed(Cause.ADDRESS_RESERVED, f"{host} is a reserved address", phase="resolve")
    return routed(host, by_preference(host, await resolve(host, port), settings))


def by_preference(host: str, found: Sequence[Address], settings: Addressed) -> list[Address]:
    """Those of the preferred family, then the others unless there is no fallback.

    Raises CheckFailed(dns_failed) where none is left.
    """
    preferred = settings.preferred_ip_protocol
    if preferred is None:
        return list(found)
    first = [each for each in found if each.family == _FAMILIES[preferred]]
    others = [each for each in found if each.family != _FAMILIES[preferred]]
    usable = [*first, *others] if settings.ip_protocol_fallback else first
    if not usable:
        message = f"{host} has no {preferred.replace('ip', 'IPv')} address"
        raise CheckFailed(Cause.DNS_FAILED, message, phase="resolve")
    return usable


def _is_reserved(host: str) -> bool:
    try:
        return is_unreachable(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False


@dataclass
class Connector:
    """Makes connections as a module wants them; ``ip``, ``tls`` and ``chain`` are the last one's.

    ``server_name`` is the name in the handshake of the first host, where it isn't its own: a
    redirect leads to others. A certificate is verified unless the module says otherwise.
    """

    settings: Addressed
    tls_config: TlsConfig
    ca_file: Path | None = None
    server_name: str | None = None
    alpn: tuple[str, ...] | None = None
    first: str = ""
    ip: str = ""
    tls: ssl.SSLObject | None = None
    chain: Chain = field(default_factory=lambda: Chain(()))

    async def __call__(
        self, address: URL, alpn: tuple[str, ...], timing: Timing, observer: TlsObserver
    ) -> Stream:
        """A stream to an address, for ``probe.net.http``. Raises CheckAborted, OSError."""
        timing.enter("resolve")
        host, port = address.raw_host or "", address.port or 80
        self.first = self.first or host
        found = await addresses_of(host, port, self.settings)
        timing.enter("connect")
        sock = await self.dial(found)
        if address.scheme not in ("https", "wss"):
            self.tls, self.chain = None, Chain(())
            return Stream(sock)
        timing.enter("tls")
        return await self.secure(sock, host, self.alpn or alpn, observer)

    async def dial(self, addresses: Sequence[Address]) -> socket.socket:
        """Connect to the first that answers. Raises OSError."""
        self.ip = addresses[0].ip
        sock = await connect_tcp(addresses)
        self.ip = str(sock.getpeername()[0])
        return sock

    async def secure(
        self, sock: socket.socket, host: str, alpn: tuple[str, ...], observer: TlsObserver
    ) -> Stream:
        """TLS on a connected socket, which is closed where that fails. Raises OSError."""
        try:
            context = self._context(alpn)
        except BaseException:
            sock.close()
            raise
        is_first = host == (self.first or host)
        preferred = self.tls_config.server_name or self.server_name
        name = preferred if preferred and is_first else host
        stream = await start_tls(sock, context, name.partition("%")[0], observer)
        if isinstance(stream, TlsStream):
            self.tls = stream.connection
            verified = not self.tls_config.insecure_skip_verify
            self.chain = chain_of(stream.connection, verified=verified)
        return stream

    def _context(self, alpn: tuple[str, ...]) -> ssl.SSLContext:
        if self.tls_config == TlsConfig(server_name=self.tls_config.server_name):
            return client_context(self.ca_file, alpn)
        return self.tls_config.context(self.ca_file, alpn)


def write_address(ip: str, record: Recorder) -> None:
    """Which family and address were used; 0 before there was one."""
    version = ipaddress.ip_address(ip.partition("%")[0]).version if ip else 0
    record.sample(signals.IP_PROTOCOL, version)
    # As blackbox_exporter does: FNV-1a of the address's bytes.
    record.sample(signals.IP_HASH, _fnv(ip) if ip else 0)


def _fnv(ip: str) -> int:
    value = 0x811C9DC5
    for byte in ipaddress.ip_address(ip.partition("%")[0]).packed:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def write_tls(connector: Connector, record: Recorder) -> None:
    """Version, cipher and certificates of the last connection; nothing without TLS."""
    if connector.tls is None:
        return
    version = (connector.tls.version() or "unknown").replace("TLSv", "TLS ")
    record.sample(signals.TLS_VERSION, 1, version=version)
    cipher = connector.tls.cipher()
    record.sample(signals.TLS_CIPHER, 1, cipher=cipher[0] if cipher else "unknown")
    if not connector.chain.certificates:
        return
    record.sample(signals.EXPIRY, connector.chain.earliest_expiry)
    if not connector.tls_config.insecure_skip_verify:
        record.sample(signals.CHAIN_EXPIRY, connector.chain.earliest_expiry)
    record.sample(signals.CHAIN_INFO, 1, **_certificate(connector.chain.certificates[0]))


def _certificate(leaf: Certificate) -> dict[str, str]:
    names = leaf.alternative_names
    found = {
        "fingerprint_sha256": hashlib.sha256(leaf.encoded).hexdigest(),
        "subject": leaf.subject.text(),
        "issuer": leaf.issuer.text(),
        "subjectalternative": ",".join(names.dns) if names else "",
        "serialnumber": f"{leaf.serial_number:x}",
    }
    return {name: _short(text) for name, text in found.items()}


def _short(text: str) -> str:
    if len(text) <= _MAX_LABEL:
        return text
    # What is left still distinguishes two certificates.
    return f"{text[:_MAX_LABEL]}…{zlib.crc32(text.encode()):08x}"
