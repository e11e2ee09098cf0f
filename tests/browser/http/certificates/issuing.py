"""Certificates with one thing that is odd, issued from a description."""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from tests.browser.http.tls_servers import Key, new_key
from tests.kinds.http.chains import USAGES

HOST = "a.shop.test"
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
_RSA = bytes.fromhex("06092a864886f70d0101")
_BY_SHA256 = _RSA + b"\x0b"
_OLD = {"sha1": (_RSA + b"\x05", hashes.SHA1()), "md5": (_RSA + b"\x04", hashes.MD5())}
PURPOSES = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code": ExtendedKeyUsageOID.CODE_SIGNING,
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "ocsp": ExtendedKeyUsageOID.OCSP_SIGNING,
    "email": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "sgc": x509.ObjectIdentifier("2.16.840.1.113730.4.1"),
}


class Spec(Struct, frozen=True):
    """``ca``: of an authority, with ``path`` as its path length. ``names`` are ``ip:``, ``mail:``,
    ``uri:`` or DNS; None: no extension. Times are seconds from now. ``usage`` and ``purposes`` are
    None where there is no such extension. ``extra`` are extensions of its own, and whether they are
    critical."""

    subject: str = "leaf"
    ca: bool | None = False
    path: int | None = None
    names: Sequence[str] | None = (HOST,)
    critical_names: bool = False
    begins: float = -9 * 86400.0
    ends: float = 60 * 86400.0
    usage: Sequence[str] | None = None
    purposes: Sequence[str] | None = None
    critical_purposes: bool = False
    critical_basics: bool = True
    key: str = "p-256"
    hash: str = "sha256"
    is_pss: bool = False
    serial: int = 0
    authority_key: bytes | None = b""
    subject_key: bytes | None = b""
    extra: Sequence[tuple[x509.ExtensionType, bool]] = ()
    issuer: str | None = None


class Issued(Struct, frozen=True):
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key


def root(subject: str = "root", **given: object) -> Spec:
    """The description of an authority."""
    shape: dict[str, object] = {
        "ca": True,
        "names": None,
        "usage": ("key_cert_sign", "crl_sign"),
        "ends": 3000 * 86400.0,
    }
    return Spec(subject, **{**shape, **given})  # type: ignore[arg-type]


def issue(spec: Spec, by: Issued | None = None, *, key: Key | None = None) -> Issued:
    """The certificate; self-signed without an issuer."""
    own = key or _key(spec.key, spec.subject)
    signer = by.key if by else own
    subject = name_of(spec.subject)
    if spec.issuer is not None:
        issuer = name_of(spec.issuer)
    else:
        issuer = by.certificate.subject if by else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(own.public_key())
        .serial_number(spec.serial or x509.random_serial_number())
        .not_valid_before(NOW + dt.timedelta(seconds=spec.begins))
        .not_valid_after(NOW + dt.timedelta(seconds=spec.ends))
    )
    for extension, critical in _extensions(spec, own, signer):
        builder = builder.add_extension(extension, critical=critical)
    return Issued(_signed(builder, signer, spec), own)


def name_of(text: str) -> x509.Name:
    """A name with this common name; none at all where it is empty."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def general_names(texts: Sequence[str]) -> list[x509.GeneralName]:
    """As in ``Spec.names``."""
    return [_general_name(each) for each in texts]


def _general_name(text: str) -> x509.GeneralName:
    kind, _, value = text.partition(":")
    match kind:
        case "ip":
            return x509.IPAddress(ipaddress.ip_address(value))
        case "net":
            return x509.IPAddress(ipaddress.ip_network(value))
        case "mail":
            return x509.RFC822Name(value)
        case "uri":
            return x509.UniformResourceIdentifier(value)
        case "dir":
            return x509.DirectoryName(name_of(value))
    return x509.DNSName(text)


def _extensions(spec: Spec, own: Key, signer: Key) -> list[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = []
    if spec.ca is not None:
        basics = x509.BasicConstraints(ca=spec.ca, path_length=spec.path if spec.ca else None)
        found.append((basics, spec.critical_basics))
    if spec.subject_key is not None:
        whole = x509.SubjectKeyIdentifier.from_public_key(own.public_key())
        shown = x509.SubjectKeyIdentifier(spec.subject_key) if spec.subject_key else whole
        found.append((shown, False))
    if spec.authority_key is not None:
        given = x509.AuthorityKeyIdentifier(spec.authority_key, None, None)
        usual = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        found.append((given if spec.authority_key else usual, False))
    if spec.names is not None:
        names = x509.SubjectAlternativeName(general_names(spec.names))
        found.append((names, spec.critical_names))
    if spec.usage is not None:
        used = x509.KeyUsage(**{each: each in spec.usage for each in USAGES})
        found.append((used, True))
    if spec.purposes is not None:
        purposes = x509.ExtendedKeyUsage([PURPOSES[each] for each in spec.purposes])
        found.append((purposes, spec.critical_purposes))
    return [*found, *spec.extra]


def _signed(builder: x509.CertificateBuilder, signer: Key, spec: Spec) -> x509.Certificate:
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        return builder.sign(signer, None)
    if isinstance(signer, rsa.RSAPrivateKey) and spec.hash in _OLD:
        return _signed_as_of_old(builder, signer, spec.hash)
    algorithm = getattr(hashes, spec.hash.upper())()
    if isinstance(signer, rsa.RSAPrivateKey) and spec.is_pss:
        mask = padding.PSS(padding.MGF1(algorithm), padding.PSS.DIGEST_LENGTH)
        return builder.sign(signer, algorithm, rsa_padding=mask)
    return builder.sign(signer, algorithm)


def _signed_as_of_old(
    builder: x509.CertificateBuilder, signer: rsa.RSAPrivateKey, name: str
) -> x509.Certificate:
    """By a hash that cryptography signs no certificates with."""
    named, algorithm = _OLD[name]
    usual = builder.sign(signer, hashes.SHA256())
    body = usual.tbs_certificate_bytes.replace(_BY_SHA256, named, 1)
    signature = signer.sign(body, padding.PKCS1v15(), algorithm)
    bits = b"\x03" + _length(len(signature) + 1) + b"\0" + signature
    whole = body + b"\x30" + _length(len(named) + 2) + named + b"\x05\0" + bits
    return x509.load_der_x509_certificate(b"\x30" + _length(len(whole)) + whole)


def _length(size: int) -> bytes:
    if size < 128:
        return bytes((size,))
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


@cache
def _key(kind: str, _owner: str) -> Key:
    return new_key(kind)
