"""TURN over DTLS (RFC 7350): whether a server offers it, and with which certificate.

No browser uses it, so what is found here is worth knowing and never an outage.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from ssl import get_default_verify_paths
from typing import TypeVar

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from msgspec import Struct
from OpenSSL import SSL

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.resolver import Address
from probe.stun import message as messages
from probe.stun.codec import Method
from probe.stun.uri import TurnUri, format_hostport
from probe.turn_report.findings import Finding, ok, skipped, warning

Outcome = TypeVar("Outcome")
NAME = "dtls"
_MAX_BYTES = 1 << 16
_MTU = 1200
# RFC 6347 section 4.2.4.1: 1 s at first; OpenSSL keeps the timer, which is looked at so often.
_MAX_PAUSE = 0.2
_DAY = 86400.0
_NOT_USED = "browsers do not use it"
_RENEW = "Give the DTLS listener the certificate and chain of the TLS listener."


class DtlsListener(Struct, frozen=True):
    """What answered: the protocol's version, the cipher, the chain (leaf first), and whether it
    asks for credentials as a TURN server does."""

    version: str
    cipher: str
    chain: tuple[x509.Certificate, ...]
    challenges: bool


class _DatagramInbox(asyncio.DatagramProtocol):
    """Datagrams of a connected socket, one after the other; None where the port refuses."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=256)

    def datagram_received(self, data: bytes, _: object) -> None:
        with suppress(asyncio.QueueFull):
            self.arrived.put_nowait(data)

    def error_received(self, _: Exception) -> None:
        with suppress(asyncio.QueueFull):
            self.arrived.put_nowait(None)


class _DtlsSession:
    """A DTLS client on memory buffers, whose records travel in ``transport``."""

    def __init__(
        self, host: str, transport: asyncio.DatagramTransport, inbox: _DatagramInbox
    ) -> None:
        context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
        context.set_verify(SSL.VERIFY_NONE)  # judged afterwards, with its own words
        self.connection = SSL.Connection(context, None)
        self.connection.set_connect_state()
        self.connection.set_ciphertext_mtu(_MTU)
        if not _is_address(host):
            self.connection.set_tlsext_host_name(host.encode("idna"))
        self._transport, self._inbox = transport, inbox

    async def run(self, step: Callable[[], Outcome]) -> Outcome:
        """Repeat ``step`` until it needs nothing more from the other side. Raises SSL.Error,
        ConnectionRefusedError."""
        while True:
            try:
                result = step()
            except SSL.WantReadError:
                self._flush()
                await self._receive()
            else:
                self._flush()
                return result

    async def _receive(self) -> None:
        timeout = self.connection.DTLSv1_get_timeout()
        pause = _MAX_PAUSE if timeout is None else min(timeout + 0.01, _MAX_PAUSE)
        try:
            async with asyncio.timeout(pause):
                data = await self._inbox.arrived.get()
        except TimeoutError:
            self.connection.DTLSv1_handle_timeout()
            self._flush()
            return
        if data is None:
            raise ConnectionRefusedError
        self.connection.bio_write(data)

    def _flush(self) -> None:
        with suppress(SSL.WantReadError):
            self._transport.sendto(self.connection.bio_read(_MAX_BYTES))


async def dtls_finding(
    url: TurnUri, address: Address, *, ca_file: Path | None, seconds: float, now: float
) -> Finding:
    """What a DTLS handshake and an Allocate without credentials show. ``seconds`` bound both,
    ``now`` is in seconds since 1970."""
    shown, place = str(url), f"{format_hostport(address.ip, address.port)} by UDP"
    try:
        async with asyncio.timeout(seconds):
            found = await _listener(url.host, address)
    except TimeoutError:
        return skipped(NAME, f"{place} answers no DTLS (RFC 7350); {_NOT_USED}", shown)
    except OSError:
        return skipped(NAME, f"{place} is closed for DTLS (RFC 7350); {_NOT_USED}", shown)
    except SSL.Error:
        fix = "Compare versions and ciphers of the DTLS listener with those of TLS, or turn it off."
        summary = f"the DTLS handshake with {place} fails; {_NOT_USED}"
        return warning(NAME, summary, fix, shown, Cause.TLS_FAILED)
    return await asyncio.to_thread(_judged, url, found, ca_file, now)


async def _listener(host: str, address: Address) -> DtlsListener:
    sock = socket.socket(address.family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        sock.connect((address.ip, address.port))
    except OSError:
        sock.close()
        raise
    loop = asyncio.get_running_loop()
    transport, inbox = await loop.create_datagram_endpoint(_DatagramInbox, sock=sock)
    try:
        session = _DtlsSession(host, transport, inbox)
        connection = session.connection
        await session.run(connection.do_handshake)
        chain = connection.get_peer_cert_chain(as_cryptography=True) or ()
        version, cipher = connection.get_protocol_version_name(), connection.get_cipher_name() or ""
        return DtlsListener(version, cipher, tuple(chain), await _challenges(session))
    finally:
        transport.close()


async def _challenges(session: _DtlsSession) -> bool:
    """Whether an Allocate without credentials is answered by 401."""
    attributes = {"REQUESTED-TRANSPORT": messages.UDP_TRANSPORT}
    request = messages.make_request(Method.ALLOCATE, attributes, {}).encode()
    session.connection.send(request)
    answer = messages.read_message(await session.run(lambda: session.connection.recv(_MAX_BYTES)))
    return answer is not None and answer.error_code == 401


def _judged(url: TurnUri, found: DtlsListener, ca_file: Path | None, now: float) -> Finding:
    leaf = found.chain[0] if found.chain else None
    left = leaf.not_valid_after_utc.timestamp() - now if leaf is not None else 0.0
    spoken = "asks for credentials" if found.challenges else "does not answer Allocate with 401"
    summary = f"{found.version}, {found.cipher}; {spoken}"
    data = {"version": found.version, "cipher": found.cipher, "expires_in_seconds": left}
    problem = "it sends no certificate" if leaf is None else _problem(url.host, found, ca_file, now)
    if problem:
        text = f"{summary}; the certificate is not valid: {problem}; {_NOT_USED}"
        return warning(NAME, text, _RENEW, str(url), Cause.TLS_INVALID, **data)
    return ok(NAME, f"{summary}; certificate ends in {left / _DAY:.0f} days", str(url), **data)


def _problem(host: str, found: DtlsListener, ca_file: Path | None, now: float) -> str:
    """Why the chain does not prove that this is the host; empty if it does."""
    leaf, *others = found.chain
    subject: x509.DNSName | x509.IPAddress = (
        x509.IPAddress(ipaddress.ip_address(host)) if _is_address(host) else x509.DNSName(host)
    )
    builder = PolicyBuilder().store(_authorities(ca_file))
    verifier = builder.time(datetime.fromtimestamp(now, UTC)).build_server_verifier(subject)
    try:
        verifier.verify(leaf, others)
    except VerificationError as error:
        return " ".join(str(error).split())[:160]
    return ""


def _authorities(ca_file: Path | None) -> Store:
    """Of the file or the system. Raises CheckFailed where there are none."""
    path = ca_file or Path(get_default_verify_paths().cafile or "")
    if not path.is_file():
        raise CheckFailed(Cause.TLS_INVALID, "this machine has no file of authorities")
    return Store(x509.load_pem_x509_certificates(path.read_bytes()))


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return False
