"""Certificates of all sorts, made by cryptography, and what cryptography reads of any."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from probe.net.certificate.certificate import Certificate

_KEYS: dict[str, Any] = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-1024": lambda: rsa.generate_private_key(65537, 1024),
    "dsa": lambda: dsa.generate_private_key(1024),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
    **{
        curve.name: lambda curve=curve: ec.generate_private_key(curve)
        for curve in (ec.SECP224R1(), ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())
    },
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "brainpoolP256r1": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
}
KEYS = tuple(_KEYS)
HASHES = (hashes.SHA224, hashes.SHA256, hashes.SHA384, hashes.SHA512, hashes.SHA3_256)
_TEXTS = (
    "example.org",
    "",
    " ",
    " both ends ",
    "#hash",
    'quote " plus + comma , semicolon ; less < greater > back \\ null \0',
    "Straße 山 🙂",
    "x" * 3000,
)
_TYPES = (_ASN1Type.UTF8String, _ASN1Type.BMPString, _ASN1Type.UniversalString)
_OTHER = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")


@cache
def key(name: str) -> Any:
    """A private key of a kind; one for each."""
    return _KEYS[name]()


def names() -> Iterator[x509.Name]:
    """Empty, of each type of text, with several attributes at one level."""
    yield x509.Name([])
    for text in _TEXTS:
        for kind in _TYPES:
            if kind is not _ASN1Type.BMPString or all(ord(each) < 0x10000 for each in text):
                yield x509.Name([x509.NameAttribute(_OTHER, text, kind)])
        organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)
        country = x509.NameAttribute(NameOID.COUNTRY_NAME, "DE")
        unit = x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "org")
        yield x509.Name(
            [
                x509.RelativeDistinguishedName([country]),
                x509.RelativeDistinguishedName([organization, unit]),
            ]
        )


def make(
    *,
    signer: str = "secp256r1",
    algorithm: Any = hashes.SHA256,
    subject: x509.Name | None = None,
    begins: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    ends: dt.datetime = dt.datetime(2026, 4, 1, 12, 34, 56, tzinfo=dt.UTC),
    serial: int = 0x123456789ABCDEF0,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    pss: bool = False,
) -> bytes:
    """A self-signed certificate, DER."""
    private = key(signer)
    name = subject if subject is not None else x509.Name([])
    builder = x509.CertificateBuilder(name, name, private.public_key(), serial)
    builder = builder.not_valid_before(begins).not_valid_after(ends)
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    chosen = None if signer.startswith("ed") else algorithm()
    scheme = padding.PSS(padding.MGF1(chosen), 20) if pss and chosen else None
    return builder.sign(private, chosen, rsa_padding=scheme).public_bytes(Encoding.DER)


def alternative_names(*dns: str, addresses: Sequence[str] = ()) -> x509.SubjectAlternativeName:
    """With others that no TLS client compares."""
    return x509.SubjectAlternativeName(
        [
            *map(x509.DNSName, dns),
            x509.RFC822Name("eva@example.org"),
            x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])),
            x509.UniformResourceIdentifier("https://example.org"),
            x509.RegisteredID(_OTHER),
            x509.OtherName(_OTHER, b"\x05\x00"),
            *(x509.IPAddress(ipaddress.ip_address(each)) for each in addresses),
        ]
    )


def shipped() -> list[bytes]:
    """The authorities that this machine trusts, DER."""
    paths = ssl.get_default_verify_paths()
    files = [Path(paths.cafile)] if paths.cafile else []
    if not files and paths.capath:
        files = sorted(Path(paths.capath).glob("*.pem"))
    text = "".join(file.read_text(encoding="ascii", errors="ignore") for file in files)
    parts = text.split("-----BEGIN CERTIFICATE-----")[1:]
    end = "-----END CERTIFICATE-----"
    return [
        ssl.PEM_cert_to_DER_cert(f"-----BEGIN CERTIFICATE-----{part.partition(end)[0]}{end}\n")
        for part in parts
    ]


def facts_of(found: Certificate) -> dict[str, Any]:
    """What was read, as ``expected`` has it."""
    names, usage = found.alternative_names, found.usage
    return {
        "serial": found.serial_number,
        "hash": found.signature_hash,
        "subject": found.subject.text(),
        "issuer": found.issuer.text(),
        "times": (found.not_before, found.not_after),
        "key": str(found.key),
        "names": (names.critical, names.dns, names.addresses) if names else None,
        "usage": (usage.digital_signature, usage.key_encipherment) if usage else None,
    }


def expected(data: bytes) -> dict[str, Any]:
    """What cryptography reads. Raises ValueError and others."""
    found = x509.load_der_x509_certificate(data)
    algorithm = _hash(found)
    return {
        "serial": found.serial_number,
        "hash": algorithm.name.replace("-", "_") if algorithm else None,
        "subject": found.subject.rfc4514_string(),
        "issuer": found.issuer.rfc4514_string(),
        "times": (found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()),
        "key": _key(found.public_key()),
        "names": _alternative(found),
        "usage": _usage(found),
    }


def _hash(found: x509.Certificate) -> hashes.HashAlgorithm | None:
    try:
        return found.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None


def _key(found: Any) -> str:
    if isinstance(found, rsa.RSAPublicKey):
        return f"RSA {found.key_size}"
    if isinstance(found, ec.EllipticCurvePublicKey):
        return f"EC {found.curve.name}"
    return type(found).__name__.removesuffix("PublicKey").strip("_")


def _alternative(found: x509.Certificate) -> Any:
    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return None
    dns = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return extension.critical, tuple(dns), tuple(map(str, addresses))


def _usage(found: x509.Certificate) -> Any:
    try:
        usage = found.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
    return usage.digital_signature, usage.key_encipherment
