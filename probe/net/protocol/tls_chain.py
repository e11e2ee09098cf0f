"""The certificates of a TLS connection: the chain that was verified, or that was sent.

``ssl.SSLObject.get_verified_chain()`` is public from Python 3.13 on. Before that the same
method is on the object that SSLObject wraps: ``_native`` is the one place that knows.
"""

import hashlib
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any

from msgspec import Struct

from probe.net.certificate.certificate import Certificate, read_certificate
from probe.net.certificate.names import COMMON_NAME, ORGANIZATION, Name

MAX_CHAIN = 16
_MAX_FACT = 160
_BROWSER_CURVES = ("secp256r1", "secp384r1")
_FOR_SERVERS = frozenset({"1.3.6.1.5.5.7.3.1", "2.5.29.37.0"})  # serverAuth, any
_BROWSER_HASHES = ("sha256", "sha384", "sha512")


class Chain(Struct, frozen=True, dict=True):
    """Certificates from the server's own upwards. What is read of them is read once: the same
    server shows the same chain in every run."""

    certificates: tuple[Certificate, ...]

    @cached_property
    def earliest_expiry(self) -> float:
        """When the first of them ends, in seconds since 1970."""
        return min(each.not_after for each in self.certificates)

    def has_expired(self, now: float) -> bool:
        """Whether the server's own has, at ``now`` in seconds since 1970."""
        return bool(self.certificates) and self.certificates[0].not_after < now

    @property
    def is_leaf_alone(self) -> bool:
        """Whether there is nothing but the server's own, and it is not self-issued."""
        if len(self.certificates) != 1:
            return False
        return self.certificates[0].issuer != self.certificates[0].subject

    @cached_property
    def facts(self) -> dict[str, str]:
        """For people; empty without a certificate."""
        if not self.certificates:
            return {}
        leaf = self.certificates[0]
        ends = (f"{_name(each.subject)} ({_day(each)})" for each in self.certificates)
        return {
            "certificate names": _short(", ".join(_names(leaf)) or _name(leaf.subject)),
            "certificate issuer": _short(_name(leaf.issuer)),
            "certificate key": key_name(leaf),
            "certificate fingerprint": _fingerprint(leaf),
            "certificate chain": _short(" > ".join(ends)),
        }


def is_named_as_browsers_want(leaf: Certificate) -> bool:
    """Whether the alternative names are critical where there is no subject (RFC 5280, 4.2.1.6)."""
    if leaf.subject.relative:
        return True
    return leaf.alternative_names is not None and leaf.alternative_names.critical


def is_named(chain: Sequence[Certificate], host: str) -> bool:
    """Whether the server's own certificate is of this host, as browsers compare them."""
    names = chain[0].alternative_names if chain else None
    return names is not None and names.cover(host)


def is_for_servers(chain: Chain) -> bool:
    """Whether no certificate below the root is for other purposes alone (RFC 5280, 4.2.1.12): that
    of Netscape, which OpenSSL takes, is none."""
    given = (each.purposes for each in chain.certificates[:-1])
    return all(each is None or not _FOR_SERVERS.isdisjoint(each) for each in given)


def weak_signature(chain: Chain) -> str | None:
    """The hash of a signature that browsers do not accept, of any certificate below the root."""
    for each in chain.certificates[:-1]:
        if each.signature_hash not in _BROWSER_HASHES:
            return each.signature_hash or "an algorithm without a name"
    return None


def allows_handshake(leaf: Certificate, connection: ssl.SSLObject) -> bool:
    """Whether the key may be used for what the handshake used it for (RFC 5280, 4.2.1.3): a
    signature, or the encryption of a secret where TLS 1.2 exchanges it by RSA."""
    if leaf.usage is None:
        return True
    cipher = connection.cipher()
    if connection.version() == "TLSv1.2" and cipher and not cipher[0].startswith("ECDHE"):
        return leaf.usage.key_encipherment
    return leaf.usage.digital_signature


def chain_of(connection: ssl.SSLObject, *, verified: bool) -> Chain:
    """The chain of a connection; empty where there is none to read."""
    try:
        return _read(tuple(_native(connection, verified=verified)[:MAX_CHAIN]))
    except (ValueError, ssl.SSLError, TypeError):
        return Chain(())


@lru_cache(maxsize=128)
def _read(raw: tuple[Any, ...]) -> Chain:
    """Certificates as DER, or as objects of the ssl module, which compare by their content."""
    return Chain(tuple(_read_one(_der(each)) for each in raw))


# Many servers' chains have the same authorities.
_read_one = lru_cache(maxsize=128)(read_certificate)


def _der(certificate: Any) -> bytes:
    if isinstance(certificate, bytes):
        return certificate
    return ssl.PEM_cert_to_DER_cert(certificate.public_bytes())


def _native(connection: ssl.SSLObject, *, verified: bool) -> list[Any]:
    """The chain as DER, from Python 3.13 on, or as the ssl module's objects."""
    method = "get_verified_chain" if verified else "get_unverified_chain"
    if hasattr(connection, method):
        return list(getattr(connection, method)())
    wrapped: Any = getattr(connection, "_sslobj", None)
    certificates = getattr(wrapped, method)() if hasattr(wrapped, method) else None
    if certificates is None:
        leaf = connection.getpeercert(binary_form=True)
        return [leaf] if leaf else []
    return list(certificates)


def _name(name: Name) -> str:
    for kind in (COMMON_NAME, ORGANIZATION):
        found = name.first(kind)
        if found is not None:
            return _clean(found)
    return "unnamed"


def _names(leaf: Certificate) -> list[str]:
    names = leaf.alternative_names
    return [_clean(each) for each in (*names.dns, *names.addresses)] if names else []


def is_key_of_browsers(leaf: Certificate) -> bool:
    """Whether Chromium offers a signature that a certificate's key can make."""
    key = leaf.key
    return key.detail in _BROWSER_CURVES if key.kind == "EC" else key.kind == "RSA"


def key_name(leaf: Certificate) -> str:
    """What kind of key a certificate has: ``RSA 2048``, ``EC secp256r1``, ``Ed25519``."""
    return str(leaf.key)


def _fingerprint(leaf: Certificate) -> str:
    return "SHA-256 " + hashlib.sha256(leaf.encoded).hexdigest()


def _day(certificate: Certificate) -> str:
    return f"until {datetime.fromtimestamp(certificate.not_after, UTC):%Y-%m-%d}"


def _short(text: str) -> str:
    return text if len(text) <= _MAX_FACT else text[: _MAX_FACT - 1] + "…"


def _clean(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text[:_MAX_FACT])
