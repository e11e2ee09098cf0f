"""Chains of certificates for servers on loopback, some of which browsers refuse."""

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@dataclass
class Issued:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def certify(
    name: str,
    issuer: Issued | None,
    days: float,
    *,
    usage: str = "",
    subject: bool = True,
    critical: bool = False,
    access: x509.AuthorityInformationAccess | None = None,
    algorithm: hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None = None,
) -> Issued:
    """A certificate of an authority, or of loopback where the name is ``leaf``."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if subject else [])
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(issuer.certificate.subject if issuer else named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 9 * DAY)
        .not_valid_after(NOW + days * DAY)
        .add_extension(x509.BasicConstraints(ca=name != "leaf", path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if name == "leaf":
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        names = x509.SubjectAlternativeName([address, x509.DNSName("localhost")])
        builder = builder.add_extension(names, critical=critical)
    if usage or name != "leaf":
        allowed = (usage,) if usage else ("key_cert_sign", "crl_sign")
        used = x509.KeyUsage(**{each: each in allowed for each in USAGES})
        builder = builder.add_extension(used, critical=True)
    if access is not None:
        builder = builder.add_extension(access, critical=False)
    return Issued(builder.sign(signer, algorithm or hashes.SHA256()), key)


def says_where(url: str) -> x509.AuthorityInformationAccess:
    """Where the issuer of a certificate is to be had."""
    place = x509.UniformResourceIdentifier(url)
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)]
    )


class Chains:
    """Root, intermediate and leaf, each with the days that it is valid."""

    def __init__(self, folder: Path, *, root: float, intermediate: float, leaf: float) -> None:
        self.folder = folder
        self.root = certify("root", None, root)
        self.intermediate = certify("intermediate", self.root, intermediate)
        self.leaf = certify("leaf", self.intermediate, leaf)
        self.ca_file = folder / "root.pem"
        self.ca_file.write_bytes(self.root.pem)

    def server(self, *, sends_intermediate: bool = True) -> ssl.SSLContext:
        key = self.leaf.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = self.folder / "server.pem"
        chain = self.leaf.pem + (self.intermediate.pem if sends_intermediate else b"")
        path.write_bytes(chain + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context
