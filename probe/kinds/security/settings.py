"""What a security check is configured with, and the checks that follow from the environment."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from probe.budget.plans import is_local
from probe.core.kind import DerivedChecks
from probe.core.model import Impact
from probe.net.fetch import cors
from probe.net.urls import HttpUrl, show_host, show_url, split_urls
from probe.stun.credentials import Static, TimeLimited
from probe.turn_targets.environment import TurnEnvironment, servers_of
from probe.turn_targets.table import TurnServerConfig
from probe.untrusted.text import is_decimal

Aspect = Literal[
    "https", "headers", "cors", "tls", "auth", "rate_limit", "turn", "ports", "secrets"
]
ENDPOINTS = ("POST /turn/credentials",)
_DESCRIBED = {
    "https": "enforced HTTPS",
    "headers": "response headers",
    "cors": "CORS",
    "tls": "TLS",
    "auth": "token verification",
    "rate_limit": "the rate limit",
    "turn": "the TURN server",
    "ports": "open ports",
    "secrets": "secrets",
}


class SecurityEnvironment(TurnEnvironment):
    """The application's variables, and what security checks alone read."""

    ports: str = Field(default="", alias="PROBE_SECURITY_PORTS")
    """Ports of the backend's host that have to be closed, at most 32, separated by commas. Example:
    `22,3333,5432,6379`"""
    secret_dates: str = Field(default="", alias="PROBE_SECRET_DATES")
    """When secrets were last changed: NAME=YYYY-MM-DD, separated by commas. Example:
    `JWT_SECRET=2026-01-01`"""
    data: Path | None = Field(default=None, alias="PROBE_DATA")
    """Folder in which fingerprints of secrets are kept next to the history. Example: `/data`"""
    database_url: SecretStr | None = Field(default=None, alias="DATABASE_URL")
    """Address of PostgreSQL; the age of its password is checked."""
    redis_url: SecretStr | None = Field(default=None, alias="REDIS_URL")
    """Address of Redis; the age of its password is checked."""

    @field_validator("ports")
    @classmethod
    def _are_ports(cls, text: str) -> str:
        found = split_urls(text)
        if not all(is_decimal(each) and 0 < int(each) < 65536 for each in found):
            raise ValueError("write port numbers with commas between them: 22,5432")
        if len(found) > 32:
            raise ValueError("name at most 32 ports: this is not a port scanner")
        return text

    @field_validator("secret_dates")
    @classmethod
    def _are_dates(cls, text: str) -> str:
        read_dates(text)
        return text


Port = Annotated[int, Field(ge=1, le=65535)]


class SecurityTable(TurnServerConfig):
    """One aspect of one address, or of the configured secrets."""

    aspect: Aspect
    """What is examined. Example: `headers`"""
    page: HttpUrl | None = None
    """Address that is asked; everything but `turn` and `secrets` needs one. Example:
    `https://paircam.live/health`"""
    plain_page: HttpUrl | None = None
    """`https`: the page over plain HTTP, where that isn't port 80 of the same host. Example:
    `http://paircam.live:8080/`"""
    own_origin: cors.Origin | None = None
    """`cors`: the origin that has to be allowed; `auth`: that of the page. Example: `https://paircam.live`"""
    required_headers: tuple[str, ...] = ("X-Content-Type-Options",)
    """`headers`: those that have to be sent. Example: `["X-Content-Type-Options"]`"""
    endpoints: tuple[str, ...] = Field(default=ENDPOINTS, max_length=5)
    """`auth`: method and path of those that have to refuse requests without a valid token.
    Example: `["POST /turn/credentials"]`"""
    namespace: str = Field(default="/signaling", pattern=r"^(/[^\s?#]*)?$")
    """`auth`: Socket.IO namespace whose handshake is tried too; empty: none. Example:
    `/signaling`"""
    path: str = Field(default="/socket.io", pattern=r"^/[^\s?#]*$")
    """`auth`: path of the Socket.IO endpoint. Example: `/socket.io`"""
    ready_event: str = Field(default="connected", min_length=1)
    """`auth`: event with which the application takes a session. Example: `connected`"""
    rate_requests: int = Field(default=10, ge=1, le=300)
    """`rate_limit`: how many requests are promised in `rate_seconds`. Example: `10`"""
    rate_seconds: float = Field(default=1.0, ge=0.1, le=60)
    """`rate_limit`: in how many seconds. Example: `1`"""
    ports: tuple[Port, ...] = Field(default=(), max_length=32)
    """`ports`: those that have to be closed. Example: `[22, 5432]`"""
    secrets: Mapping[str, SecretStr] = Field(default_factory=dict, repr=False)
    """`secrets`: by name. They are neither stored nor sent."""
    dates: Mapping[str, date] = Field(default_factory=dict)
    """`secrets`: when each was last changed."""
    memory: Path | None = None
    """`secrets`: folder in which salted fingerprints are kept."""

    @property
    def needs_server(self) -> bool:
        return self.aspect == "turn"

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.aspect not in ("turn", "secrets") and self.page is None:
            raise ValueError(f'aspect "{self.aspect}" needs "page"')
        if self.aspect == "ports" and not self.ports:
            raise ValueError('aspect "ports" needs "ports": those that have to be closed')
        return self

    @property
    def address(self) -> str:
        """The whole address of the page; it may hold a password."""
        return self.page.get_secret_value() if self.page is not None else ""

    @property
    def target(self) -> str:
        if self.aspect == "turn":
            return super().target
        if self.page is None:
            return "configured secrets"
        return show_host(self.address) if self.aspect == "ports" else show_url(self.address)

    @property
    def labels(self) -> dict[str, str]:
        """Which aspect it is."""
        return {"aspect": self.aspect}

    @property
    def triggered_by(self) -> frozenset[str]:
        """Nothing: once a day is often enough."""
        return frozenset()

    @property
    def impact(self) -> Impact:
        """What it means when it fails."""
        # Whatever it failed for, a finding or a deadline: the evidence says which.
        failed = f"The security check of {_DESCRIBED[self.aspect]} failed"
        return Impact("security", failed, failed)

    @property
    def alert_group(self) -> str:
        """All that is about one host."""
        return "security" if self.page is None else f"security of {show_host(self.address)}"


def read_dates(text: str) -> dict[str, date]:
    """Dates by name. Raises ValueError."""
    found = {}
    for number, each in enumerate(split_urls(text), 1):
        name, _, day = each.partition("=")
        try:
            found[name] = date.fromisoformat(day)
        except ValueError:
            # Not what it is: somebody may have written the secret itself.
            problem = "a secret's name and the day of its last change"
            raise ValueError(f"entry {number} is not NAME=YYYY-MM-DD: write {problem}") from None
    return found


def derive(environment: SecurityEnvironment) -> DerivedChecks:
    """The checks of backend, frontend, TURN servers and secrets."""
    tables = [*_of_backend(environment), *_of_turn(environment), *_of_secrets(environment)]
    defaults: dict[str, Any] = {"ca_file": environment.ca_file}
    return DerivedChecks(tables, tuple(_skipped(environment)), defaults)


def _of_backend(environment: SecurityEnvironment) -> Iterator[Mapping[str, Any]]:
    if environment.backend_url is None:
        return
    backend = environment.backend_url.get_secret_value()
    frontend = environment.frontend_url.get_secret_value() if environment.frontend_url else None
    page = f"{backend}/health"
    if _is_public(page):
        yield from _of_page("", page, ("X-Content-Type-Options",))
    if frontend and _is_public(frontend):
        names = ("X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy")
        yield from _of_page("-frontend", frontend, names)
    origin = environment.origin if cors.is_cross_origin(backend, environment.origin) else None
    yield {"name": "security-cors", "aspect": "cors", "page": page, "own_origin": origin}
    login: dict[str, Any] = {"jwt_secret": environment.jwt_secret}
    login["own_origin"] = environment.origin
    yield {"name": "security-auth", "aspect": "auth", "page": backend, **login}
    if environment.ports:
        ports = tuple(int(each) for each in split_urls(environment.ports))
        yield {"name": "security-ports", "aspect": "ports", "page": backend, "ports": ports}


def _of_page(suffix: str, page: str, headers: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    yield {"name": f"security-https{suffix}", "aspect": "https", "page": page}
    wanted = {"required_headers": headers}
    yield {"name": f"security-headers{suffix}", "aspect": "headers", "page": page, **wanted}
    if page.startswith("https:"):
        yield {"name": f"security-tls{suffix}", "aspect": "tls", "page": page}


def _is_public(page: str) -> bool:
    """Plain HTTP on this machine is no way in for users."""
    return page.startswith("https:") or not is_local(page)


def _of_turn(environment: SecurityEnvironment) -> Iterator[Mapping[str, Any]]:
    """One check for each provider, by its first URL."""
    seen: set[str] = set()
    for server in servers_of(environment).servers:
        if server.provider in seen or is_local(str(server.url)):
            continue
        seen.add(server.provider)
        table = {"name": f"security-turn-{server.provider}", "aspect": "turn", "url": server.url}
        source = server.source
        login: dict[str, Any] = {}
        if isinstance(source, TimeLimited):
            login = {"shared_secret": source.secret}
        elif isinstance(source, Static):
            known = source.credentials
            login = {"username": known.username, "password": known.password}
        yield {**table, **login, "provider": server.provider}


def _of_secrets(environment: SecurityEnvironment) -> Iterator[Mapping[str, Any]]:
    known = {
        "JWT_SECRET": environment.jwt_secret,
        "TURN_SHARED_SECRET": environment.turn_shared_secret,
        "TURN_PASSWORD": environment.turn_password,
        "TURN_BACKUP_PASSWORD": environment.turn_backup_password,
        "TURN_BACKUP_SHARED_SECRET": environment.turn_backup_shared_secret,
        "METERED_API_KEY": environment.metered_api_key,
        "CLOUDFLARE_TURN_API_TOKEN": environment.cloudflare_turn_api_token,
        "TWILIO_TURN_AUTH_TOKEN": environment.twilio_turn_auth_token,
        "XIRSYS_SECRET": environment.xirsys_secret,
        "TURN_REST_KEY": environment.turn_rest_key,
        "DATABASE_URL": environment.database_url,
        "REDIS_URL": environment.redis_url,
    }
    secrets = {name: secret for name, secret in known.items() if secret is not None}
    if secrets:
        yield {
            "name": "security-secrets",
            "aspect": "secrets",
            "secrets": secrets,
            "dates": read_dates(environment.secret_dates),
            "memory": environment.data,
        }


def _skipped(environment: SecurityEnvironment) -> Iterator[str]:
    if environment.backend_url is None:
        yield "BACKEND_URL is not set"
    elif not _is_public(environment.backend_url.get_secret_value()):
        yield "BACKEND_URL is on this machine, without TLS (https, headers, tls)"
    if not environment.ports:
        yield "PROBE_SECURITY_PORTS is not set (open ports)"
    if any(is_local(str(each.url)) for each in servers_of(environment).servers):
        yield "a TURN server is on this machine, where private peers are its own"
    yield 'the rate limit is tried only where a [[security]] table has aspect = "rate_limit"'
