"""Certificates for the lab's TLS ports: a throw-away authority that is kept in memory."""

import datetime as dt
import ipaddress
import ssl
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Validity = Literal["valid", "expired"]

_DAY = dt.timedelta(days=1)
# In days from now: first and last moment. A valid one lasts long enough to trip no
# warning about certificates that end soon.
_PERIODS: dict[Validity, tuple[int, int]] = {"valid": (-1, 90), "expired": (-30, -1)}
_AUTHORITY_PERIOD = (-60, 365)

_NO_USAGE = {
    "digital_signature": False,
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "key_cert_sign": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}


class Authority:
    """A certificate authority with an EC P-256 key that never leaves memory.

    Its certificates carry the extensions that ``VERIFY_X509_STRICT`` asks for (RFC 5280
    sections 4.2.1.1 to 4.2.1.3), which Python 3.13 sets by default. ``clock`` gives UTC
    seconds since 1970.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("lab authority")
        self._certificate = self._certify_itself()

    @property
    def pem(self) -> bytes:
        """The authority's certificate, PEM: what a client has to trust."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, path: Path) -> None:
        """Write the authority's certificate (not its key) to ``path``, PEM."""
        path.write_bytes(self.pem)

    def client_context(self) -> ssl.SSLContext:
        """A client's context that trusts this authority alone."""
        return ssl.create_default_context(cadata=self.pem.decode("ascii"))

    def issue(self, names: Sequence[str], *, validity: Validity = "valid") -> ssl.SSLContext:
        """A server's context with a new key and a certificate for ``names``.

        Names are DNS names or IP literals; at least one, else ``ValueError``.
        """
        if not names:
            raise ValueError("a certificate needs at least one name")
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certify(key.public_key(), names, _PERIODS[validity])
        return _server_context(key, certificate)

    def _certify_itself(self) -> x509.Certificate:
        public = self._key.public_key()
        usage = x509.KeyUsage(**{**_NO_USAGE, "key_cert_sign": True, "crl_sign": True})
        builder = self._builder(public, self._name, _AUTHORITY_PERIOD)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        return builder.add_extension(usage, True).sign(self._key, hashes.SHA256())

    def _certify(
        self, public: ec.EllipticCurvePublicKey, names: Sequence[str], period: tuple[int, int]
    ) -> x509.Certificate:
        usage = x509.KeyUsage(**{**_NO_USAGE, "digital_signature": True})
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        # The subject is fixed: a common name holds 64 characters, a DNS name 253.
        builder = self._builder(public, _name("lab server"), period)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        builder = builder.add_extension(usage, True).add_extension(purpose, False)
        builder = builder.add_extension(issuer, False).add_extension(alternatives, False)
        return builder.sign(self._key, hashes.SHA256())

    def _builder(
        self, public: ec.EllipticCurvePublicKey, subject: x509.Name, period: tuple[int, int]
    ) -> x509.CertificateBuilder:
        now = dt.datetime.fromtimestamp(self._clock(), dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + period[0] * _DAY)
            .not_valid_after(now + period[1] * _DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        )


def expired(authority: Authority, names: Sequence[str]) -> ssl.SSLContext:
    """A server's context whose certificate ended a day ago."""
    return authority.issue(names, validity="expired")


def wrong_name(authority: Authority) -> ssl.SSLContext:
    """A server's context whose certificate is for another name."""
    # RFC 2606 section 2 keeps .invalid free.
    return authority.issue(["somebody-else.invalid"])


def untrusted(names: Sequence[str]) -> ssl.SSLContext:
    """A server's context from an authority that is thrown away, so that no client trusts it."""
    return Authority().issue(names)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _server_context(
    key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The ssl module reads keys from files only; this one is private to its owner
    # (mkdtemp's 0700) and gone again before the context is used.
    with tempfile.TemporaryDirectory(prefix="probe-lab-") as directory:
        path = Path(directory, "server.pem")
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(path)
    return context
