"""Prometheus' web configuration file: TLS, client certificates, users with bcrypt, headers.

https://prometheus.io/docs/prometheus/latest/configuration/https/ (exporter-toolkit). The file
and what it names are read again when they change; a mistake leaves what was right in force.
"""

import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

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
_BCRYPT = re.compile(r"\$2[abxy]\$\d{2}\$[./A-Za-z0-9]{53}\Z")
_GO_CIPHER = re.compile(r"TLS_(ECDHE_)?(RSA|ECDSA)_WITH_(AES_\d+|CHACHA20_POLY1305)_?(.*)\Z")
_HEADERS = (
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
)
MAX_BYTES = 1 << 16

Version = Literal["TLS10", "TLS11", "TLS12", "TLS13"]


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class TlsServer(_Strict):
    """``tls_server_config``. Paths are relative to the file's folder."""

    cert_file: Path
    key_file: Path
    client_auth_type: Literal[
        "", "NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"
    ] = ""
    client_ca_file: Path | None = None
    client_allowed_sans: tuple[str, ...] = ()
    min_version: Version = "TLS12"
    max_version: Version = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: tuple[Literal["CurveP256", "CurveP384", "CurveP521", "X25519"], ...] = Field(
        default=(), max_length=1
    )

    @field_validator("cipher_suites")
    @classmethod
    def _known_suites(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for suite in value:
            _openssl_cipher(suite)
        return value


class HttpServer(_Strict):
    """``http_server_config``. HTTP/1.1 is spoken, whatever ``http2`` allows."""

    http2: bool = True
    headers: dict[str, str] = {}

    @field_validator("headers")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if name not in _HEADERS or not text.isprintable():
                raise ValueError(f"{name} can't be set here: write one of {', '.join(_HEADERS)}")
        return value


class WebConfig(_Strict):
    """The whole file."""

    tls_server_config: TlsServer | None = None
    http_server_config: HttpServer = HttpServer()
    basic_auth_users: dict[str, str] = {}

    @field_validator("http_server_config", "basic_auth_users", mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        """A key without a value is one that is not there, as for Prometheus."""
        return {} if value is None else value

    @field_validator("basic_auth_users")
    @classmethod
    def _hashed(cls, value: dict[str, str]) -> dict[str, str]:
        for user, hashed in value.items():
            if not _BCRYPT.match(hashed):
                raise ValueError(
                    f"{user}: this is not a bcrypt hash: htpasswd -nBC 10 '' makes one"
                )
        return value

    @property
    def requires_certificate(self) -> bool:
        """Whether a client without a verified certificate is refused."""
        tls = self.tls_server_config
        return tls is not None and tls.client_auth_type == "RequireAndVerifyClientCert"


class WebConfigError(ValueError):
    """The file can't be used; the message says where and why, and repeats no secret."""


def read_web_config(path: Path) -> tuple[WebConfig, ssl.SSLContext | None]:
    """The file and the TLS context that it asks for. Raises WebConfigError."""
    import yaml

    try:
        text = path.read_bytes()
        if len(text) > MAX_BYTES:
            raise WebConfigError(f"{path}: longer than {MAX_BYTES} bytes")
        document = yaml.safe_load(text)
        config = WebConfig.model_validate({} if document is None else document)
    except OSError as error:
        raise WebConfigError(f"{path}: {error.strerror or 'it cannot be read'}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise WebConfigError(f"{path}{where}: this is not YAML") from None
    except ValidationError as error:
        raise WebConfigError(f"{path}: {'; '.join(_problems(error))}") from None
    except (RecursionError, ValueError) as error:
        raise WebConfigError(str(error) or f"{path}: it cannot be read") from None
    tls = config.tls_server_config
    return config, None if tls is None else _context(tls, path.parent)


def files_of(path: Path, config: WebConfig | None) -> Iterator[Path]:
    """The files whose change is worth reading it again."""
    yield path
    tls = config.tls_server_config if config is not None else None
    if tls is not None:
        for each in (tls.cert_file, tls.key_file, tls.client_ca_file):
            if each is not None:
                yield path.parent / each


def is_allowed_client(config: WebConfig, certificate: Mapping[str, object] | None) -> bool:
    """Whether a client's verified certificate has one of the names that are asked for."""
    tls = config.tls_server_config
    if tls is None or not tls.client_allowed_sans:
        return True
    names = (certificate or {}).get("subjectAltName", ())
    assert isinstance(names, tuple)
    return any(name in tls.client_allowed_sans for _, name in names)


def _problems(error: ValidationError) -> Iterator[str]:
    for each in error.errors():
        where = ".".join(map(str, each["loc"]))
        yield f"{where}: {each['msg'].removeprefix('Value error, ')}"


def _context(tls: TlsServer, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # A client of TLS 1.2 could have a handshake made anew without end (OpenSSL before 3.0).
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        if _VERSIONS[tls.min_version] > _VERSIONS[tls.max_version]:
            problem = f"min_version {tls.min_version} is above max_version {tls.max_version}"
            raise WebConfigError(f"tls_server_config: {problem}: no client could connect")
        context.minimum_version = _VERSIONS[tls.min_version]
        context.maximum_version = _VERSIONS[tls.max_version]
        context.load_cert_chain(folder / tls.cert_file, folder / tls.key_file, password="")
        if tls.cipher_suites:
            context.set_ciphers(":".join(map(_openssl_cipher, tls.cipher_suites)))
        for curve in tls.curve_preferences:
            context.set_ecdh_curve(_CURVES[curve])
        if tls.prefer_server_cipher_suites:
            context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        _verify_clients(context, tls, folder)
    except WebConfigError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "unusable"
        raise WebConfigError(f"tls_server_config: certificate, key or CA: {reason}") from None
    return context


def _verify_clients(context: ssl.SSLContext, tls: TlsServer, folder: Path) -> None:
    wanted = tls.client_auth_type or ("NoClientCert" if tls.client_ca_file is None else "")
    if not wanted or (wanted != "NoClientCert" and tls.client_ca_file is None):
        problem = "client_auth_type and client_ca_file belong together"
        raise WebConfigError(f"tls_server_config: {problem}: set both")
    if wanted == "NoClientCert" or tls.client_ca_file is None:
        return
    context.load_verify_locations(cafile=folder / tls.client_ca_file)
    required = wanted == "RequireAndVerifyClientCert"
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL


def _openssl_cipher(name: str) -> str:
    """OpenSSL's name of a suite of TLS 1.2 that Go knows. Raises ValueError."""
    found = _GO_CIPHER.match(name)
    if found is None:
        raise ValueError(f"{name} is not a cipher suite of TLS 1.2")
    exchange, signature, cipher, rest = found.groups()
    cipher = cipher.replace("_POLY1305", "-POLY1305").replace("AES_", "AES")
    rest = rest.removeprefix("SHA256") if "CHACHA20" in cipher else rest
    rest = rest.removeprefix("CBC_").replace("_", "-")
    parts = [exchange and "ECDHE", signature if exchange else None, cipher, rest]
    return "-".join(part for part in parts if part)
