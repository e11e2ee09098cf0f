"""Errors of sockets and of TLS as causes:

SSLCertVerificationError                    tls_invalid
SSLError                                    tls_failed
TlsFlood                                    flooded
ConnectionRefusedError, ICMP unreachable    connect_refused
ConnectionResetError, end of the stream     connection_closed
other OSError                               connect_failed
"""

import ssl

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.flow.tls_records import TlsFlood
from probe.net.resolver import connection_error
from probe.net.tls.verdict import translate_tls

# X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
_NO_ISSUER = (20, 21)
_CHAIN_HINT = (
    "The server probably sends its own certificate alone: give it the whole chain "
    "(fullchain.pem of certbot, cert= of coturn). For a private authority set PROBE_CA_FILE."
)


def error_of(error: Exception, place: str, phase: str | None = None) -> CheckAborted:
    """The cause behind an error of the system or of TLS; ``phase`` where it has none."""
    aborted = _translate(error, place)
    aborted.phase = aborted.phase or phase
    return aborted


def tls_error_of(error: OSError, place: str) -> CheckAborted:
    """The cause behind an error of the TLS handshake, with a hint where the chain is short."""
    aborted = error_of(error, place, "tls")
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in _NO_ISSUER:
        aborted.hint = _CHAIN_HINT
    return aborted


def _translate(error: Exception, place: str) -> CheckAborted:
    if isinstance(error, ssl.SSLError):
        return translate_tls(error, place)
    if isinstance(error, TlsFlood):
        return CheckFailed(Cause.FLOODED, f"{place} {error.detail}")
    if isinstance(error, ConnectionRefusedError):
        return CheckFailed(Cause.CONNECT_REFUSED, f"nothing listens at {place}")
    if isinstance(error, ConnectionError):
        return CheckFailed(Cause.CONNECTION_CLOSED, f"{place} closed the connection")
    reason = getattr(error, "strerror", None) or type(error).__name__
    message = f"no route to {place}: {reason}"
    if isinstance(error, OSError):
        return connection_error(error, message)
    return CheckFailed(Cause.CONNECT_FAILED, message)
