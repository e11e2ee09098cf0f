"""TLS contexts: what a browser negotiates, and what receivers of alerts are sent by."""

import ssl
from functools import cache, lru_cache
from pathlib import Path

from probe.core.causes import Cause
from probe.core.model import NotMeasured
from probe.net.protocol.tls_chain import Chain, chain_of

CA_HINT = "Put the file back, or change PROBE_CA_FILE or ca_file."
# What Chromium offers for TLS 1.2 (BoringSSL; asked in tests/browser/http/test_tls.py): RSA key
# exchange and SHA-1 MACs too, no finite-field Diffie-Hellman, no CBC with SHA-2. Level 1 of OpenSSL
# takes RSA keys from 1024 bits on, as browsers do, and no certificate that is signed with SHA-1.
_BROWSER_CIPHERS = ":".join(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-RSA-AES256-SHA",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-SHA",
        "AES256-SHA",
        "@SECLEVEL=1",
    )
)
_SENT = "sent chain"
# When each file was last seen to change: few, they come from the configuration.
_changes: dict[Path, int] = {}


class _TellingObject(ssl.SSLObject):
    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            vars(error)[_SENT] = chain_of(self, verified=False)
            raise


class ClientContext(ssl.SSLContext):
    """Made for ``ca_file`` and ``alpn``. What it refuses has the chain that the server sent."""

    sslobject_class = _TellingObject
    ca_file: Path | None = None
    alpn: tuple[str, ...] = ()


def sent_chain(error: ssl.SSLCertVerificationError) -> Chain:
    """The chain that a :class:`ClientContext` has refused; empty where it is not known."""
    sent = vars(error).get(_SENT)
    return sent if isinstance(sent, Chain) else Chain(())


def client_context(
    ca_file: Path | None = None, alpn: tuple[str, ...] = (), *, browser: bool = True
) -> ClientContext:
    """A verifying context that trusts the system's authorities, and ``ca_file`` in addition.

    For a ``browser`` it negotiates what Chromium does, and a certificate without alternative
    names has none. Groups can't be chosen before Python 3.15: X448 and P-521 are offered too.

    Reading the authorities takes longer than a round trip on a fast path, and would show in
    whatever is measured at the same time. So a context is made once for each ``ca_file``,
    and anew when that file changes.
    """
    return _context(ca_file, last_change(ca_file), alpn, browser)


@cache
def service_context() -> ssl.SSLContext:
    """For receivers of alerts and other probes, which aren't measured: Python's defaults, and the
    system's authorities. Made once, which takes 30 ms."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def last_change(ca_file: Path | None) -> int:
    """What changes with the file; a file that goes is what it was when it was last there.

    Raises NotMeasured for one that never was.
    """
    if ca_file is None:
        return 0
    try:
        _changes[ca_file] = ca_file.stat().st_mtime_ns
    except OSError as error:
        if ca_file not in _changes:
            problem = f"the CA file {ca_file} can't be read: {error.strerror or error}"
            raise NotMeasured(Cause.INTERNAL_ERROR, problem, hint=CA_HINT) from None
    return _changes[ca_file]


def completed_context(
    ca_file: Path | None, alpn: tuple[str, ...], issuers: tuple[bytes, ...]
) -> ClientContext:
    """The same for a browser that has fetched these certificates (DER), which complete chains.

    None of them may be self-issued: it would be trusted.
    """
    return _completed(ca_file, last_change(ca_file), alpn, issuers)


def unnamed_context(ca_file: Path | None, alpn: tuple[str, ...]) -> ClientContext:
    """The same for a browser that compares the names itself."""
    return _unnamed(ca_file, last_change(ca_file), alpn)


@lru_cache(maxsize=4)
def _unnamed(ca_file: Path | None, changed: int, alpn: tuple[str, ...]) -> ClientContext:
    context = _context.__wrapped__(ca_file, changed, alpn, browser=True)
    context.check_hostname = False
    return context


@lru_cache(maxsize=4)
def _completed(
    ca_file: Path | None, changed: int, alpn: tuple[str, ...], issuers: tuple[bytes, ...]
) -> ClientContext:
    context = _context.__wrapped__(ca_file, changed, alpn, browser=True)
    context.verify_flags &= ~ssl.VERIFY_X509_PARTIAL_CHAIN
    for each in issuers:
        context.load_verify_locations(cadata=each)
    return context


@lru_cache(maxsize=16)
def _context(
    ca_file: Path | None, _changed: int, alpn: tuple[str, ...], browser: bool
) -> ClientContext:
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
    context.ca_file, context.alpn = ca_file, alpn
    if browser:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_BROWSER_CIPHERS)
        context.hostname_checks_common_name = False
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context
