"""TLS contexts, what a handshake showed, and every TLS error as a cause."""

import ssl
import time
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from probe.core.causes import HINTS, Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.protocol.tls_chain import (
    Chain,
    allows_handshake,
    chain_of,
    is_for_servers,
    is_key_of_browsers,
    is_named_as_browsers_want,
    key_name,
    weak_signature,
)

CA_HINT = "Put the file back, or change PROBE_CA_FILE or ca_file."
INTERMEDIATE_HINT = (
    "The server sends its own certificate alone: have it send the intermediate certificates "
    "too. Browsers that have not cached them refuse it as well. For a private authority set "
    "PROBE_CA_FILE."
)
SNI_HINT = "The server has no certificate for this name (SNI): add the name, or correct it."
CLIENT_CERTIFICATE_HINT = (
    "The server requires a client certificate (mutual TLS): clients without one are refused. "
    "Check an address that needs none."
)
KEY_HINT = "Use a certificate with an RSA key of 2048 bits or more, or with a P-256 or P-384 key."
USAGE_HINT = (
    "Browsers refuse it (ERR_SSL_KEY_USAGE_INCOMPATIBLE): issue a certificate with the key usage "
    "digitalSignature."
)
PURPOSE_HINT = "Have it issued anew with the extended key usage serverAuth."
SIGNATURE_HINT = "Have it issued anew, signed with SHA-256, SHA-384 or SHA-512."
NAMES_HINT = (
    "Browsers refuse it (RFC 5280, 4.2.1.6): mark subjectAltName as critical, or give the "
    "certificate a subject."
)
ROOT_HINT = (
    "For a private authority set PROBE_CA_FILE. If the chain leads to a public authority by "
    "another certificate, have the server leave out the self-signed one: browsers find the other "
    "way, OpenSSL and whatever is built on it do not."
)
NO_TLS_HINT = (
    "What listens there does not speak TLS: check the port, or write the address without TLS "
    "(http:, turn:) where that is meant."
)
# What OpenSSL says of an answer that is no record of TLS.
NO_TLS_REASONS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_SNI_REASONS = ("TLSV1_UNRECOGNIZED_NAME", "TLSV1_ALERT_UNRECOGNIZED_NAME")
_CLIENT_CERTIFICATE_REASONS = (
    "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "SSLV3_ALERT_NO_CERTIFICATE",
    "TLSV1_ALERT_CERTIFICATE_REQUIRED",
)
_SELF_SIGNED_IN_CHAIN = 19  # X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
_MISSING_ISSUER = (20, 21)  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, …_VERIFY_LEAF_SIGNATURE
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
_FETCHED = (
    "browsers fetch them; curl, Node and WebViews of Android don't: have the server send them"
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


class TlsObserver:
    """What the handshakes of one client showed, redirects included."""

    def __init__(self) -> None:
        self.chains: list[Chain] = []
        self.unverified: Chain | None = None
        self.fetched: tuple[str, ...] = ()

    def completed(self, connection: ssl.SSLObject) -> None:
        """A handshake is done and its chain is verified."""
        self.chains.append(chain_of(connection, verified=True))

    def refused(self, connection: ssl.SSLObject) -> None:
        """A handshake failed; what the server sent may say why."""
        self.unverified = chain_of(connection, verified=False)

    def certificate_expiry(self) -> float | None:
        """The earliest end of any certificate in the verified chains of all connections, in
        seconds since 1970; None without a handshake."""
        ends = [chain.earliest_expiry for chain in self.chains if chain.certificates]
        return min(ends, default=None)

    @property
    def facts(self) -> dict[str, str]:
        """The last server's certificate for people: subject, names, issuer, key, chain."""
        shown = self.chains[-1] if self.chains else self.unverified
        facts = shown.facts if shown is not None else {}
        return {**facts, **not_sent(self.fetched)}


def not_sent(fetched: Sequence[str]) -> dict[str, str]:
    """The fact that the server leaves out these issuers; none where it sends all."""
    return {"certificates not sent": f"{'; '.join(fetched)} ({_FETCHED})"} if fetched else {}


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


def check_certificate(chain: Chain, host: str, connection: ssl.SSLObject) -> None:
    """Whether browsers accept the server's certificate, once the handshake is done and OpenSSL has.

    Raises CheckFailed: tls_failed for a signature that Chromium doesn't offer (an elliptic curve
    other than P-256 and P-384, Ed25519, Ed448) and for a key that is not meant for the handshake,
    tls_invalid for a certificate without a subject whose names are not marked as critical, and for
    purposes without that of a server.
    """
    if not chain.certificates:
        return
    leaf, shown = chain.certificates[0], f"the certificate of {host}"
    if (weak := weak_signature(chain)) is not None:
        message = f"{shown} is signed by way of {weak}, which browsers do not accept"
        raise CheckFailed(Cause.TLS_INVALID, message, phase="tls", hint=SIGNATURE_HINT)
    if not is_key_of_browsers(leaf):
        message = f"{shown} has a key ({key_name(leaf)}) that browsers do not accept"
        raise CheckFailed(Cause.TLS_FAILED, message, phase="tls", hint=KEY_HINT)
    if not allows_handshake(leaf, connection):
        message = f"{shown} has a key usage that does not allow this handshake"
        raise CheckFailed(Cause.TLS_FAILED, message, phase="tls", hint=USAGE_HINT)
    if not is_for_servers(chain):
        message = f"{shown} or an issuer's of it is not meant for servers (extended key usage)"
        raise CheckFailed(Cause.TLS_INVALID, message, phase="tls", hint=PURPOSE_HINT)
    if not is_named_as_browsers_want(leaf):
        message = f"{shown} has no subject, and its alternative names are not critical"
        raise CheckFailed(Cause.TLS_INVALID, message, phase="tls", hint=NAMES_HINT)


def translate_tls(error: ssl.SSLError, host: str, shown: Chain | None = None) -> CheckAborted:
    """The one place where a TLS error becomes a cause (OpenSSL's X509_V_ERR codes).

    ``shown`` is what the server sent, where it is known.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or "verification failed"
        hint = None
        if error.verify_code in _MISSING_ISSUER and shown is not None and shown.is_leaf_alone:
            hint = INTERMEDIATE_HINT
        elif error.verify_code == _SELF_SIGNED_IN_CHAIN:
            hint = ROOT_HINT
        if shown is not None and "expired" not in reason and shown.has_expired(time.time()):
            # What is mended first would only lead to this.
            reason = f"{reason}, and it has expired"
        return CheckFailed(Cause.TLS_INVALID, f"the certificate of {host}: {reason}", hint=hint)
    reason = (error.reason or "handshake failed").lower().replace("_", " ")
    return CheckFailed(
        Cause.TLS_FAILED,
        f"the TLS handshake with {host} failed: {reason}",
        hint=_handshake_hint(error.reason or ""),
    )


def _handshake_hint(reason: str) -> str:
    if reason in _SNI_REASONS:
        return SNI_HINT
    if reason in NO_TLS_REASONS:
        return NO_TLS_HINT
    if reason in _CLIENT_CERTIFICATE_REASONS:
        return CLIENT_CERTIFICATE_HINT
    return HINTS[Cause.TLS_FAILED]
