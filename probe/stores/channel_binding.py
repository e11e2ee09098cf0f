"""SCRAM bound to the TLS connection (RFC 5929, tls-server-end-point), as libpq decides it.

https://www.postgresql.org/docs/17/libpq-connect.html#LIBPQ-CONNECT-CHANNEL-BINDING
"""

import hashlib
from dataclasses import dataclass, field

from probe.core.causes import Cause
from probe.core.model import CheckFailed
from probe.net.certificate.certificate import read_certificate

PLAIN, BOUND = "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"
_HINT = (
    "Someone may be intercepting the connection to the server. Where a pooler ends TLS, take "
    "channel_binding=require out of the address."
)


@dataclass(frozen=True, slots=True)
class Mechanism:
    """What to authenticate by: ``header`` is GS2's (RFC 5802, 7), ``data`` binds the channel."""

    name: str = PLAIN
    header: str = "n,,"
    data: bytes = field(default=b"", repr=False)


def chosen(offered: set[str], mode: str, certificate: bytes | None, host: str) -> Mechanism | None:
    """The mechanism for what a server offers, whose ``certificate`` (DER) is None without TLS.

    None: it offers none that is known. Raises CheckFailed where libpq gives up.
    """
    if certificate is None and BOUND in offered:
        message = f"{host} offers channel binding on a connection without TLS"
        raise CheckFailed(Cause.PROTOCOL_ERROR, message, hint=_HINT)
    if certificate is None or mode == "disable":
        mechanism = Mechanism() if PLAIN in offered else None
    elif BOUND in offered:
        mechanism = Mechanism(BOUND, "p=tls-server-end-point,,", end_point(certificate))
    else:
        mechanism = Mechanism(header="y,,") if PLAIN in offered else None
    check_bound(mechanism, mode, host)
    return mechanism


def check_bound(mechanism: Mechanism | None, mode: str, host: str) -> None:
    """Raises CheckFailed(tls_failed) where the address asks for a binding and there is none."""
    if mode == "require" and (mechanism is None or mechanism.name != BOUND):
        message = f"{host} does not offer channel binding, which the address asks for"
        raise CheckFailed(Cause.TLS_FAILED, message, hint=_HINT)


def end_point(certificate: bytes) -> bytes:
    """The hash of a certificate by its signature's algorithm, SHA-256 instead of weaker ones."""
    try:
        algorithm = read_certificate(certificate).signature_hash
    except ValueError:
        algorithm = None
    if algorithm is None or algorithm in ("md5", "sha1"):
        algorithm = "sha256"
    return hashlib.new(algorithm, certificate).digest()
