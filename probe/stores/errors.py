"""What a connection to a store fails with, as a cause.

The libraries' own texts stay behind: some carry the address with its password.
"""

import ssl

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed
from probe.net.flow.tls_records import TlsFlood
from probe.net.resolver import connection_error
from probe.net.tls.verdict import translate_tls

_MAX_SERVER_TEXT = 160


def translate_socket(error: OSError, host: str) -> CheckAborted:
    """The cause behind an error of the socket or of TLS on it."""
    for found in (error, error.__cause__):
        if isinstance(found, ssl.SSLError):
            return translate_tls(found, host)
    if isinstance(error, TlsFlood):
        return CheckFailed(Cause.FLOODED, f"{host} {error.detail}")
    if isinstance(error, TimeoutError):
        return CheckFailed(Cause.DEADLINE, f"no connection to {host} in time")
    if isinstance(error, ConnectionRefusedError):
        return CheckFailed(Cause.CONNECT_REFUSED, f"{host} refuses the connection")
    if isinstance(error, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
        return closed(host)
    reason = error.strerror or "none of its addresses answers"
    return connection_error(error, f"no connection to {host}: {reason}")


def closed(host: str) -> CheckFailed:
    """The server hung up."""
    return CheckFailed(Cause.CONNECTION_CLOSED, f"{host} closed the connection")


def safe_server_text(text: str, password: str = "") -> str:
    """What a server says in an error, fit to be shown behind a message; never the password,
    which it was sent."""
    text = text.replace(password, "…") if password else text
    plain = "".join(each if each.isprintable() else " " for each in text[: 4 * _MAX_SERVER_TEXT])
    line = " ".join(plain.split())
    if len(line) > _MAX_SERVER_TEXT:
        line = line[: _MAX_SERVER_TEXT - 1] + "…"
    return f": {line}" if line else ""


def wrong_protocol(host: str, protocol: str) -> CheckFailed:
    """Something else answers there."""
    return CheckFailed(Cause.PROTOCOL_ERROR, f"{host} does not speak the protocol of {protocol}")
