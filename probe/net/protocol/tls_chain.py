"""The certificates of a TLS connection: the chain that was verified, or that was sent.

``ssl.SSLObject.get_verified_chain()`` is public from Python 3.13 on. Before that the same
method is on the object that SSLObject wraps: ``_native`` is the one place that knows.
"""

import hashlib
import ssl
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

MAX_CHAIN = 16
_MAX_FACT = 160
_BROWSER_CURVES = ("secp256r1", "secp384r1")
_BROWSER_HASHES = ("sha256", "sha384", "sha512")


@dataclass(frozen=True)
class Chain:
    """Certificates from the server's own upwards. What is read of them is read once: the same
    server shows the same chain in every run."""

    certificates: tuple[x509.Certificate, ...]

    @cached_property
    def earliest_expiry(self) -> float:
        """When the first of them ends, in seconds since 1970."""
        return min(each.not_valid_after_utc.timestamp() for each in self.certificates)

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


def is_named_as_browsers_want(leaf: x509.Certificate) -> bool:
    """Whether the alternative names are critical where there is no subject (RFC 5280, 4.2.1.6)."""
    if list(leaf.subject):
        return True
    try:
        return leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical
    except (x509.ExtensionNotFound, ValueError):
        return False


def weak_signature(chain: Chain) -> str | None:
    """The hash of a signature that browsers do not accept, of any certificate below the root."""
    for each in chain.certificates[:-1]:
        algorithm = each.signature_hash_algorithm
        if algorithm is None or algorithm.name not in _BROWSER_HASHES:
            return algorithm.name if algorithm is not None else "none that is known"
    return None


def allows_handshake(leaf: x509.Certificate, connection: ssl.SSLObject) -> bool:
    """Whether the key may be used for what the handshake used it for (RFC 5280, 4.2.1.3): a
    signature, or the encryption of a secret where TLS 1.2 exchanges it by RSA."""
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return True
    cipher = connection.cipher()
    if connection.version() == "TLSv1.2" and cipher and not cipher[0].startswith("ECDHE"):
        return usage.key_encipherment
    return usage.digital_signature


def chain_of(connection: ssl.SSLObject, *, verified: bool) -> Chain:
    """The chain of a connection; empty where there is none to read."""
    try:
        return _read(tuple(_native(connection, verified=verified)[:MAX_CHAIN]))
    except (ValueError, ssl.SSLError, TypeError):
        return Chain(())


@lru_cache(maxsize=128)
def _read(raw: tuple[Any, ...]) -> Chain:
    """Certificates as DER, or as objects of the ssl module, which compare by their content."""
    return Chain(tuple(x509.load_der_x509_certificate(_der(each)) for each in raw))


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


def _name(name: x509.Name) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        found = name.get_attributes_for_oid(kind)
        if found:
            return _clean(str(found[0].value))
    return "unnamed"


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        alternative = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = alternative.get_values_for_type(x509.DNSName)
        addresses = alternative.get_values_for_type(x509.IPAddress)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [_clean(str(each)) for each in (*names, *addresses)]


def is_key_of_browsers(leaf: x509.Certificate) -> bool:
    """Whether Chromium offers a signature that a certificate's key can make."""
    key = leaf.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name in _BROWSER_CURVES
    return isinstance(key, rsa.RSAPublicKey)


def key_name(leaf: x509.Certificate) -> str:
    """What kind of key a certificate has: ``RSA 2048``, ``EC secp256r1``, ``Ed25519``."""
    key = leaf.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey").strip("_")


def _fingerprint(leaf: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return "SHA-256 " + hashlib.sha256(leaf.public_bytes(Encoding.DER)).hexdigest()


def _day(certificate: x509.Certificate) -> str:
    return f"until {certificate.not_valid_after_utc:%Y-%m-%d}"


def _short(text: str) -> str:
    return text if len(text) <= _MAX_FACT else text[: _MAX_FACT - 1] + "…"


def _clean(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text[:_MAX_FACT])
