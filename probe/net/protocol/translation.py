"""Where an exception of a connection becomes a cause; see probe.net.http for the table."""

import errno
import ssl

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.flow.tls_records import TlsFlood
from probe.net.protocol.errors import Flood, PeerError, Truncated
from probe.net.resolver import connection_error
from probe.net.tls.observer import TlsObserver
from probe.net.tls.verdict import translate_tls

_CLOSED = (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE)


def translate(
    error: BaseException, host: str, handshakes: TlsObserver | None = None
) -> CheckAborted | None:
    """The one place where an exception of a connection becomes a cause; None if it isn't one."""
    if isinstance(error, ssl.SSLError):
        return translate_tls(error, host, handshakes.unverified if handshakes else None)
    if isinstance(error, Truncated):
        return CheckFailed(Cause.CONNECTION_CLOSED, f"{host} {error.detail}", hint=error.hint)
    if isinstance(error, TlsFlood):
        return CheckFailed(Cause.FLOODED, f"{host} {error.detail}")
    if isinstance(error, Flood):
        return CheckFailed(Cause.FLOODED, f"{host} {error.detail}", hint=error.hint)
    if isinstance(error, PeerError):
        return CheckFailed(Cause.PROTOCOL_ERROR, f"{host} {error.detail}", hint=error.hint)
    return _translate_connection(error, host) if isinstance(error, OSError) else None


def _translate_connection(error: OSError, host: str) -> CheckAborted:
    if error.errno in _CLOSED or isinstance(error, ConnectionResetError | ConnectionAbortedError):
        return CheckFailed(Cause.CONNECTION_CLOSED, f"{host} closed the connection")
    if error.errno == errno.ECONNREFUSED:
        return CheckFailed(Cause.CONNECT_REFUSED, f"{host} refuses the connection")
    reason = error.strerror or "none of its addresses answers"
    return connection_error(error, f"no connection to {host}: {reason}")
