"""HTTPS servers that negotiate one thing each, for comparing Chromium with the probe."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID
from msgspec import Struct

HOST = "127.0.0.1"
Key = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: *\r\n"
    b"Connection: close\r\n\r\nok"
)


class TlsServer(Struct, frozen=True):
    """What a server offers. ``expressible``: whether OpenSSL lets a client refuse it."""

    key: str = "rsa-2048"
    ciphers: str = "DEFAULT"
    group: str | None = None
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    expressible: bool = True

    @property
    def name(self) -> str:
        """One line for the report."""
        parts = (self.key, self.ciphers, self.group or "", self.newest.name)
        return " ".join(part for part in parts if part not in ("DEFAULT", ""))


def new_key(name: str) -> Key:
    """A private key of a kind: ``rsa-2048``, ``p-256``, ``ed25519``."""
    match name:
        case "p-256":
            return ec.generate_private_key(ec.SECP256R1())
        case "p-384":
            return ec.generate_private_key(ec.SECP384R1())
        case "p-521":
            return ec.generate_private_key(ec.SECP521R1())
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "ed448":
            return ed448.Ed448PrivateKey.generate()
    return rsa.generate_private_key(65537, int(name.removeprefix("rsa-")))


key = lru_cache(new_key)


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    file, private = folder / f"{name}.pem", key(name)
    if file.exists():
        return file
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "probe test")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    edwards = isinstance(private, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(address, critical=False)
        .sign(private, None if edwards else hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    shape, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(made.public_bytes(pem) + private.private_bytes(pem, shape, plain))
    return file


@asynccontextmanager
async def serving(server: TlsServer, folder: Path) -> AsyncIterator[int]:
    """The port on which it answers every request with 200."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(f"{server.ciphers}:@SECLEVEL=0")
    context.maximum_version = server.newest
    context.load_cert_chain(certificate(folder, server.key))
    if server.group is not None:
        context.set_ecdh_curve(server.group)
    listening = await asyncio.start_server(_answer, HOST, 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_ANSWER)
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
        pass
    finally:
        writer.close()
