"""Whether browsers accept a certificate, and every TLS error as a cause."""

import ssl
import time

from probe.core.causes import HINTS, Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.protocol.tls_chain import (
    Chain,
    allows_handshake,
    is_for_servers,
    is_key_of_browsers,
    is_named_as_browsers_want,
    key_name,
    weak_signature,
)

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
