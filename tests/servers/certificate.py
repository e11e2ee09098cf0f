"""Certificates for the tests' TLS servers: a fresh authority and a leaf it signs."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_DAY = timedelta(days=1)


class Certificate(Struct, frozen=True):
    """Files in PEM: the leaf, its key, and the authority that a client has to trust."""

    cert_file: Path
    key_file: Path
    ca_file: Path


def make_certificate(
    directory: Path,
    *,
    names: Sequence[str] = LOOPBACK,
    valid_for: timedelta = _DAY,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Certificate:
    """Writes a leaf for `names`, with this key or a new one; a negative `valid_for` makes it
    expired."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), key or make_key()
    ca = _authority(ca_key, max(valid_for, _DAY))
    leaf = _leaf(key, names, datetime.now(UTC) + valid_for, ca).sign(ca_key, hashes.SHA256())
    files = Certificate(directory / "cert.pem", directory / "key.pem", directory / "ca.pem")
    files.cert_file.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    files.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    files.key_file.touch(mode=0o600)
    files.key_file.write_bytes(_pem(key))
    return files


def make_key() -> ec.EllipticCurvePrivateKey:
    """The key of a leaf."""
    return ec.generate_private_key(ec.SECP256R1())


def _authority(key: ec.EllipticCurvePrivateKey, valid_for: timedelta) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    usage = _usage(key_cert_sign=True, digital_signature=False)
    builder = (
        _builder(key, name, name, datetime.now(UTC) + valid_for)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
    )
    return builder.sign(key, hashes.SHA256())


def _leaf(
    key: ec.EllipticCurvePrivateKey, names: Sequence[str], until: datetime, ca: x509.Certificate
) -> x509.CertificateBuilder:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    authority = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority)
    alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
    return (
        _builder(key, name, ca.subject, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(key_cert_sign=False, digital_signature=True), critical=True)
        .add_extension(issuer, critical=False)
        .add_extension(alternatives, critical=False)
    )


def _builder(
    key: ec.EllipticCurvePrivateKey, subject: x509.Name, issuer: x509.Name, until: datetime
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=30))
        .not_valid_after(until)
        .add_extension(identifier, critical=False)
    )


def _usage(*, key_cert_sign: bool, digital_signature: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
