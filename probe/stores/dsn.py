"""Addresses of databases and caches as the operators have them; they carry passwords."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, SecretStr

from probe.core.field_types import Described
from probe.untrusted.text import is_decimal

POSTGRES = ("postgres", "postgresql")
REDIS = ("redis", "rediss")
# libpq's, and node-pg's own: no-verify encrypts and trusts any certificate, as require does.
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify")
CHANNEL_BINDING_MODES = ("disable", "prefer", "require")
UPSTASH_DOMAINS = ("upstash.io",)


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """An address taken apart; ``path`` is the database. Nothing secret is in its repr."""

    scheme: str
    host: str
    port: int
    user: str
    path: str
    password: str = field(repr=False)
    options: dict[str, str] = field(repr=False)

    @property
    def shown(self) -> str:
        """For people: without user, password and options."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        path = f"/{self.path}" if self.path else ""
        return f"{self.scheme}://{host}:{self.port}{path}"

    def host_is(self, *domains: str) -> bool:
        """Whether the host is one of these domains' or below one."""
        return any(self.host == each or self.host.endswith(f".{each}") for each in domains)


def parse_store(url: str, schemes: Sequence[str], port: int) -> StoreAddress:
    """Take an address apart.

    Raises ValueError that says what would be right, and nothing of what was written: a
    password with a stray character may have ended up in any part.
    """
    example = f"write {schemes[-1]}://USER:PASSWORD@HOST:{port}/"
    try:
        parts = urlsplit(url)
        host, given = parts.hostname or "", parts.port
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        raise ValueError(
            f"the address can't be read: {example}, with %-codes for special characters"
        ) from None
    if parts.scheme not in schemes:
        raise ValueError(f"the address does not begin with {schemes[0]}://: {example}")
    # A password's stray / or ? ends the host early, and the rest of it is after that.
    torn = "@" in parts.path or parts.fragment or ("@" in parts.query and "@" not in parts.netloc)
    if not host or given == 0 or torn or not url.isprintable() or " " in url:
        raise ValueError(
            f"the address names no host, or has a character that needs its %-code: {example}"
        )
    return StoreAddress(
        scheme=parts.scheme,
        host=host,
        port=given or port,
        user=unquote(parts.username or ""),
        path=unquote(parts.path.strip("/")),
        password=unquote(parts.password or ""),
        options=options,
    )


def parse_postgres(url: str) -> StoreAddress:
    """A ``DATABASE_URL``. Raises ValueError; see parse_store."""
    address = parse_store(url, POSTGRES, 5432)
    options = dict(address.options)
    if options.pop("ssl", "") == "true":  # JDBC's, which libpq knows as well
        options.setdefault("sslmode", "require")
    mode = options.get("sslmode", "prefer")
    if mode not in SSL_MODES:
        raise ValueError(f"sslmode is not one of {', '.join(SSL_MODES)}: write ?sslmode=require")
    if options.get("channel_binding", "prefer") not in CHANNEL_BINDING_MODES:
        modes = ", ".join(CHANNEL_BINDING_MODES)
        raise ValueError(f"channel_binding is not one of {modes}: write ?channel_binding=prefer")
    return replace(
        address,
        user=options.get("user") or address.user,
        password=options.get("password") or address.password,
        path=options.get("dbname") or address.path,
        options=options,
    )


def parse_redis(url: str) -> StoreAddress:
    """A ``REDIS_URL``; ``path`` is the number of the database. Raises ValueError."""
    address = parse_store(url, REDIS, 6379)
    if address.path and not is_decimal(address.path):
        raise ValueError("what follows the host has to be the database's number: write /0")
    return address


def _secret_postgres(url: SecretStr) -> SecretStr:
    parse_postgres(url.get_secret_value())
    return url


def _secret_redis(url: SecretStr) -> SecretStr:
    parse_redis(url.get_secret_value())
    return url


PostgresUrl = Annotated[SecretStr, AfterValidator(_secret_postgres), Described(type="DSN")]
RedisUrl = Annotated[SecretStr, AfterValidator(_secret_redis), Described(type="DSN")]
