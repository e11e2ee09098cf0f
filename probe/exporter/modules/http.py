"""``http``: blackbox_exporter's HTTP prober."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, field_validator, model_validator

from probe.exporter.modules.credentials import Credentials
from probe.exporter.modules.fields import Addressed, Headers, Pattern, Secret, Size, Strict, Text
from probe.exporter.modules.tls import TlsConfig

_PROXIES = "the exporter connects directly, so that it can check each address it contacts"
MAX_BODY = 10 << 20
_VERSIONS = ("HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/2.0")


class BasicAuth(Strict):
    """User name and password; each may be in a file."""

    username: Text = ""
    username_file: Path | None = None
    password: Secret | None = None
    password_file: Path | None = None


class Authorization(Strict):
    """The Authorization header: its type and what follows."""

    type: Text = "Bearer"
    credentials: Secret | None = None
    credentials_file: Path | None = None


class HeaderPattern(Strict):
    """A regular expression for a header's values."""

    header: Text
    regexp: Pattern
    allow_missing: bool = False


class HeaderValues(Strict):
    """One entry of ``http_headers``."""

    values: tuple[Text, ...] = ()
    secrets: tuple[Secret, ...] = ()
    files: tuple[Path, ...] = ()


class HttpProbe(Addressed):
    """The keys of ``http``."""

    UNSUPPORTED: ClassVar[Mapping[str, str]] = {
        **Addressed.UNSUPPORTED,
        "proxy_url": _PROXIES,
        "proxy_from_environment": _PROXIES,
        "proxy_connect_header": _PROXIES,
        "no_proxy": _PROXIES,
        "skip_resolve_phase_with_proxy": _PROXIES,
        "oauth2": "write the token to a file and name it in authorization.credentials_file",
        "enable_http3": "HTTP/2 and HTTP/1.1 are probed",
        "fail_if_body_json_matches_cel": "use fail_if_body_matches_regexp",
        "fail_if_body_json_not_matches_cel": "use fail_if_body_not_matches_regexp",
    }

    method: Text = "GET"
    headers: Headers = Field(default_factory=dict, repr=False)
    http_headers: Mapping[str, HeaderValues] = Field(default_factory=dict, repr=False)
    body: Text = ""
    body_file: Path | None = None
    valid_status_codes: tuple[int, ...] = ()
    accept_any_response: bool = False
    valid_http_versions: tuple[Text, ...] = ()
    follow_redirects: bool = True
    no_follow_redirects: bool = False
    max_redirects: int = Field(default=10, ge=0, le=50)
    fail_if_ssl: bool = False
    fail_if_not_ssl: bool = False
    fail_if_body_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_body_not_matches_regexp: tuple[Pattern, ...] = ()
    fail_if_header_matches: tuple[HeaderPattern, ...] = ()
    fail_if_header_not_matches: tuple[HeaderPattern, ...] = ()
    body_size_limit: Size = 0
    compression: Text = ""
    enable_http2: bool = True
    tls_config: TlsConfig = Field(default_factory=TlsConfig)
    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    bearer_token: Secret | None = None
    bearer_token_file: Path | None = None
    credentials: tuple[Credentials, ...] = ()

    @field_validator("method")
    @classmethod
    def _is_token(cls, value: str) -> str:
        if not (value.isascii() and value.isalpha()):
            raise ValueError("write a method such as GET, HEAD or POST")
        return value.upper()

    @field_validator("valid_http_versions")
    @classmethod
    def _are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [each for each in value if each not in _VERSIONS]
        if wrong:
            raise ValueError(f"'{wrong[0]}' is not probed: write one of {', '.join(_VERSIONS)}")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        logins = (self.basic_auth, self.authorization, self.bearer_token, self.bearer_token_file)
        if sum(each is not None for each in logins) > 1:
            raise ValueError("set one of basic_auth, authorization and bearer_token")
        if self.body and self.body_file is not None:
            raise ValueError("body and body_file are the same setting: keep one of them")
        if self.fail_if_ssl and self.fail_if_not_ssl:
            raise ValueError("fail_if_ssl and fail_if_not_ssl together fail always: keep one")
        return self

    @property
    def follows(self) -> bool:
        """Whether redirects are followed."""
        return self.follow_redirects and not self.no_follow_redirects

    @property
    def host_header(self) -> str | None:
        """The Host header that the module sets; None: the target's."""
        return next((value for name, value in self.headers.items() if name.lower() == "host"), None)

    @property
    def judges_body(self) -> bool:
        """Whether anything of the body matters to the result."""
        return bool(self.fail_if_body_matches_regexp or self.fail_if_body_not_matches_regexp)

    @property
    def largest_body(self) -> int:
        """Bytes that are read of a body."""
        return self.body_size_limit or MAX_BODY
