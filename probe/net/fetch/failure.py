"""Why a request of aiohttp's client got no answer, in words."""

import os
import ssl

from probe.net.flow.capped_socket import AnswerTooLong
from probe.net.tls.verdict import NO_TLS_REASONS


def reason_of(error: Exception) -> str:
    """Why no answer came, without any address: aiohttp's own texts name the whole URL, which may
    be a secret."""
    import aiohttp

    if any(isinstance(each, AnswerTooLong) for each in (error, error.__cause__)):
        return "the answer is too long"
    certificate = getattr(error, "certificate_error", error)
    if isinstance(certificate, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {certificate.verify_message}"
    if isinstance(error, ssl.SSLError | aiohttp.ClientConnectorSSLError):
        return _tls_reason(getattr(error, "os_error", error))
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name can't be resolved"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return "the connection was closed without a whole answer"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the answer is not HTTP"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return type(error).__name__


def _tls_reason(error: Exception) -> str:
    if getattr(error, "reason", "") in NO_TLS_REASONS:
        return "the port does not speak TLS"
    return "the TLS handshake failed"
