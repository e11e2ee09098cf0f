"""The TLS context that the web configuration file asks for."""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from probe.web.web_config.ciphers import openssl_cipher
from probe.web.web_config.model import TlsServer

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_CURVES = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}

_NO_PEM = ("NO_START_LINE", "PEM_LIB", "NO_CERTIFICATE_OR_CRL_FOUND", "BAD_DECRYPT")


def make_context(tls: TlsServer, folder: Path) -> ssl.SSLContext:
    """The context; files are relative to ``folder``. Raises ValueError, which says what is wrong
    and repeats no key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # A client of TLS 1.2 could have a handshake made anew without end (OpenSSL before 3.0).
    context.options |= ssl.OP_NO_RENEGOTIATION
    if _VERSIONS[tls.min_version] > _VERSIONS[tls.max_version]:
        problem = f"min_version {tls.min_version} is above max_version {tls.max_version}"
        raise ValueError(f"{problem}: no client could connect")
    context.minimum_version = _VERSIONS[tls.min_version]
    context.maximum_version = _VERSIONS[tls.max_version]
    _load_certificate(context, tls, folder)
    suites = [name for name in map(openssl_cipher, tls.cipher_suites) if name is not None]
    if tls.cipher_suites and not suites:
        # Only those of TLS 1.3 are named, so that nothing older has one.
        if tls.max_version != "TLS13":
            raise ValueError(
                f"cipher_suites: none is for {tls.max_version}: add one, or leave it out"
            )
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    if suites:
        try:
            context.set_ciphers(":".join(suites))
        except ssl.SSLError:
            raise ValueError("cipher_suites: OpenSSL has none of them: leave it out") from None
    for curve in tls.curve_preferences:
        context.set_ecdh_curve(_CURVES[curve])
    if tls.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    _verify_clients(context, tls, folder)
    return context


def _load_certificate(context: ssl.SSLContext, tls: TlsServer, folder: Path) -> None:
    with ExitStack() as stack:
        certificate, cert_name = _file(stack, tls.cert, tls.cert_file, folder, "cert")
        key, key_name = _file(stack, tls.key.get_secret_value(), tls.key_file, folder, "key")
        try:
            context.load_cert_chain(certificate, key, password="")
        except ssl.SSLError as error:
            where = f"{cert_name} and {key_name}"
            raise ValueError(f"{where}: {_ssl_reason(error)}") from None
        except (OSError, ValueError):
            problem = "they can't be used: write PEM, the key without a passphrase"
            raise ValueError(f"{cert_name} and {key_name}: {problem}") from None


def _verify_clients(context: ssl.SSLContext, tls: TlsServer, folder: Path) -> None:
    wanted = tls.client_auth_type or ("" if tls.has_client_ca else "NoClientCert")
    verifies = wanted not in ("", "NoClientCert")
    if verifies != tls.has_client_ca:
        problem = "client_auth_type and client_ca_file (or client_ca) belong together"
        raise ValueError(f"{problem}: set both")
    if not verifies:
        if tls.client_allowed_sans:
            problem = "client_allowed_sans needs client_auth_type RequireAndVerifyClientCert"
            raise ValueError(f"{problem} and client_ca_file: set both")
        return
    with ExitStack() as stack:
        authority, name = _file(stack, tls.client_ca, tls.client_ca_file, folder, "client_ca")
        try:
            context.load_verify_locations(cafile=authority)
        except (OSError, ValueError) as error:
            problem = _ssl_reason(error) if isinstance(error, ssl.SSLError) else "unusable"
            raise ValueError(f"{name}: {problem}: write certificates in PEM") from None
    required = wanted == "RequireAndVerifyClientCert"
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL


def _file(
    stack: ExitStack, text: str, path: Path | None, folder: Path, key: str
) -> tuple[Path, str]:
    """A file with this PEM, and the name of what it comes from. Raises ValueError."""
    if path is None:
        return stack.enter_context(_in_memory(text)), key
    name, found = f"{key}_file", folder / path
    if not found.is_file() and found.exists():
        raise ValueError(f"{name}: {found} is not a regular file")
    try:
        found.open("rb").close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ValueError(f"{name}: {found}: {reason}") from None
    return found, name


@contextmanager
def _in_memory(text: str) -> Iterator[Path]:
    """A file with this text, for OpenSSL, which reads files only. Where the system can, it is in
    memory alone; else no other user can read it, and it is removed at once."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        with open(os.memfd_create("pem", os.MFD_CLOEXEC), "wb") as file:
            file.write(text.encode())
            file.flush()
            yield Path(f"/proc/self/fd/{file.fileno()}")
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as named:
        named.write(text)
        named.flush()
        yield Path(named.name)


def _ssl_reason(error: ssl.SSLError) -> str:
    reason: str | None = error.reason
    if reason == "KEY_VALUES_MISMATCH":
        return "the key is not the certificate's"
    if reason is None or reason in _NO_PEM:
        return "no PEM was found, or the key has a passphrase"
    return reason.replace("_", " ").lower()
