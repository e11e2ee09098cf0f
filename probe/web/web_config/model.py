"""The tables of the web configuration file."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from probe.web.web_config.ciphers import openssl_cipher

_BCRYPT = re.compile(r"\$2[abxy]\$\d{2}\$[./A-Za-z0-9]{53}\Z")
_HEADERS = (
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
)
_VALUES = {"X-Content-Type-Options": ("nosniff",), "X-Frame-Options": ("deny", "sameorigin")}
# Go's time.ParseDuration.
_NUMBER = r"(?:\d+\.?\d*|\.\d+)"
_PART = re.compile(rf"({_NUMBER})(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_DURATION = re.compile(rf"[-+]?(?:0|(?:{_PART.pattern})+)\Z", re.ASCII)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
MAX_INTERVAL, MAX_BURST = 86400.0, 1_000_000

Version = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
Curve = Literal["CurveP256", "CurveP384", "CurveP521", "X25519"]
ClientAuth = Literal["", "NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class TlsServer(_Strict):
    """``tls_server_config``. Paths are relative to the file's folder; ``cert``, ``key`` and
    ``client_ca`` are PEM in the file itself."""

    cert: str = ""
    key: SecretStr = SecretStr("")
    client_ca: str = ""
    cert_file: Path | None = None
    key_file: Path | None = None
    client_auth_type: ClientAuth = ""
    client_ca_file: Path | None = None
    client_allowed_sans: tuple[str, ...] = ()
    min_version: Version = "TLS12"
    max_version: Version = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: tuple[Curve, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        """A key without a value, or with an empty text, is one that is not there (Go)."""
        if not isinstance(value, dict):
            return value
        return {key: each for key, each in value.items() if each is not None and each != ""}

    @field_validator("cipher_suites")
    @classmethod
    def _known_suites(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for suite in value:
            openssl_cipher(suite)
        return value

    @field_validator("curve_preferences")
    @classmethod
    def _one_curve(cls, value: tuple[Curve, ...]) -> tuple[Curve, ...]:
        if len(value) > 1:
            raise ValueError("only one curve can be set here: keep the first, or leave it out")
        return value

    @model_validator(mode="after")
    def _has_both(self) -> Self:
        inline = {"cert": self.cert, "key": self.key.get_secret_value()}
        files = {"cert": self.cert_file, "key": self.key_file}
        for name, text in inline.items():
            if not text and files[name] is None:
                raise ValueError(f"{name}_file or {name} is missing: set one of them")
            if text and files[name] is not None:
                raise ValueError(f"{name} and {name}_file are both set: remove one of them")
        if self.client_ca and self.client_ca_file is not None:
            raise ValueError("client_ca and client_ca_file are both set: remove one of them")
        return self

    @property
    def has_client_ca(self) -> bool:
        """Whether there is an authority to verify clients with."""
        return bool(self.client_ca) or self.client_ca_file is not None


class HttpServer(_Strict):
    """``http_server_config``. HTTP/1.1 is spoken, whatever ``http2`` allows."""

    http2: bool = True
    headers: dict[str, str] = {}

    @field_validator("headers", mode="before")
    @classmethod
    def _without_blank(cls, value: object) -> object:
        """A header without a value is not set."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            return value
        return {name: each for name, each in value.items() if each is not None and each != ""}

    @field_validator("headers")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if name not in _HEADERS:
                raise ValueError(f"{name} can't be set here: write one of {', '.join(_HEADERS)}")
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"{name} must be printable ASCII in one line (RFC 9110, 5.5)")
            allowed = _VALUES.get(name, ())
            if allowed and text.lower() not in allowed:
                raise ValueError(f"{name} must be {' or '.join(allowed)}")
        return value


class RequestRate(_Strict):
    """``rate_limit``: a token bucket that gets one request each ``interval`` seconds and holds at
    most ``burst``. An interval of 0 means that there is no limit."""

    interval: float = Field(default=0.0)
    burst: int = Field(default=0, ge=0, le=MAX_BURST, strict=True)

    @field_validator("interval", mode="before")
    @classmethod
    def _duration(cls, value: object) -> float:
        if value is None or (value == 0 and not isinstance(value, bool)):
            return 0.0
        if not isinstance(value, str) or len(value) > 40 or not _DURATION.match(value):
            raise ValueError("write a number with its unit: 100ms, 1s or 1m30s; 0 for no limit")
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(value))
        if (seconds and value.startswith("-")) or not 0 <= seconds <= MAX_INTERVAL:
            raise ValueError("must be from 0 to 24h")
        return seconds

    @model_validator(mode="after")
    def _lets_through(self) -> Self:
        if self.interval and not self.burst:
            raise ValueError("without a burst no request is answered: write burst: 1 or more")
        return self


class WebConfig(_Strict):
    """The whole file."""

    tls_server_config: TlsServer | None = None
    http_server_config: HttpServer = HttpServer()
    rate_limit: RequestRate = RequestRate()
    basic_auth_users: dict[str, str] = {}

    @field_validator("http_server_config", "rate_limit", "basic_auth_users", mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        """A key without a value is one that is not there, as for Prometheus."""
        return {} if value is None else value

    @field_validator("tls_server_config", mode="before")
    @classmethod
    def _has_keys(cls, value: object) -> object:
        return None if value == {} else value

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
