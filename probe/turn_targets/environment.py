"""Which TURN servers the operators' variables name, and how to log in to each."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

from msgspec import Struct
from pydantic import Field, SecretStr, ValidationInfo, field_validator

from probe.net.urls import BaseUrl
from probe.paircam import BackendEnvironment
from probe.stun.credentials import CredentialSource, Static, TimeLimited, TurnCredentials
from probe.stun.uri import TurnUri, parse_host, parse_url_list, split_urls
from probe.turn.resolve import Family

PRIMARY, BACKUP, METERED, ISSUED = "primary", "backup", "metered", "issued"

ISSUER_FIELDS: Mapping[str, Mapping[str, str]] = {
    "cloudflare": {
        "account": "cloudflare_turn_key_id",
        "api_key": "cloudflare_turn_api_token",
        "issuer_url": "cloudflare_turn_url",
    },
    "twilio": {
        "account": "twilio_turn_account_sid",
        "api_key": "twilio_turn_auth_token",
        "issuer_url": "twilio_turn_url",
    },
    "xirsys": {
        "account": "xirsys_ident",
        "api_key": "xirsys_secret",
        "channel": "xirsys_channel",
        "issuer_url": "xirsys_url",
    },
    "turn-rest": {
        "issuer_url": "turn_rest_url",
        "account": "turn_rest_username",
        "api_key": "turn_rest_key",
    },
}
"""Of each issuer in ISSUERS: the keys of a check's table, and the fields that they come from."""


class TurnEnvironment(BackendEnvironment):
    """The operators' variables about TURN, besides those about the backend.

    A field is validated after those above it, which is what the checks of
    pairs rely on.
    """

    title = "TURN providers"
    turn_provider: Literal["managed", "coturn"] | None = Field(default=None, alias="TURN_PROVIDER")
    """`coturn` for an own server with time-limited credentials, else `managed`. Example: `coturn`
    """
    turn_shared_secret: SecretStr | None = Field(default=None, alias="TURN_SHARED_SECRET")
    """Secret from which time-limited credentials are made (coturn's `use-auth-secret`)."""
    turn_urls: str = Field(default="", alias="TURN_URLS")
    """TURN and STUN URLs of the primary provider, separated by comma, semicolon or white space.
    Example: `turn:relay.example.org,turns:relay.example.org`"""
    turn_password: SecretStr | None = Field(default=None, alias="TURN_PASSWORD")
    """Password of long-term credentials."""
    turn_username: str | None = Field(default=None, alias="TURN_USERNAME", validate_default=True)
    """User name of long-term credentials. Example: `probe`"""
    turn_host: str | None = Field(default=None, alias="TURN_HOST")
    """Host of an own coturn, instead of `TURN_URLS`. Example: `turn.example.org`"""
    turn_port: int = Field(default=3478, ge=1, le=65535, alias="TURN_PORT")
    """Port of an own coturn for UDP and TCP. Example: `3478`"""
    turn_tls_port: int = Field(default=5349, ge=1, le=65535, alias="TURN_TLS_PORT")
    """Port of an own coturn for TLS. Example: `5349`"""
    turn_backup_urls: str = Field(default="", alias="TURN_BACKUP_URLS")
    """TURN and STUN URLs of the backup provider. Example: `turn:backup.example.org`"""
    turn_backup_password: SecretStr | None = Field(default=None, alias="TURN_BACKUP_PASSWORD")
    """Password of the backup's long-term credentials."""
    turn_backup_shared_secret: SecretStr | None = Field(
        default=None, alias="TURN_BACKUP_SHARED_SECRET"
    )
    """Secret for time-limited credentials of the backup, instead of user name and password."""
    turn_backup_username: str | None = Field(
        default=None, alias="TURN_BACKUP_USERNAME", validate_default=True
    )
    """User name of the backup's long-term credentials. Example: `probe`"""
    metered_app: str | None = Field(default=None, alias="METERED_APP", pattern=r"^[a-z0-9-]+$")
    """Subdomain of the Metered account: `APP.metered.live`. Example: `paircam`"""
    metered_api_key: SecretStr | None = Field(default=None, alias="METERED_API_KEY")
    """API key of a Metered credential: TURN servers and credentials come from Metered's REST API.
    """
    metered_url: BaseUrl | None = Field(default=None, alias="METERED_URL")
    """Other address of Metered's API (proxies). Example: `https://paircam.metered.live`"""
    cloudflare_turn_key_id: str | None = Field(default=None, alias="CLOUDFLARE_TURN_KEY_ID")
    """ID of a TURN key of Cloudflare Realtime, whose servers and credentials are checked. Example:
    `0123456789abcdef0123456789abcdef`"""
    cloudflare_turn_api_token: SecretStr | None = Field(
        default=None, alias="CLOUDFLARE_TURN_API_TOKEN"
    )
    """API token of that TURN key."""
    cloudflare_turn_url: BaseUrl | None = Field(default=None, alias="CLOUDFLARE_TURN_URL")
    """Other address of Cloudflare's API (proxies). Example: `https://rtc.live.cloudflare.com`"""
    twilio_turn_account_sid: str | None = Field(default=None, alias="TWILIO_TURN_ACCOUNT_SID")
    """SID of a Twilio account whose Network Traversal Service is checked. Twilio's libraries read
    another name, so that an account for messages alone adds no checks. Example:
    `AC0123456789abcdef0123456789abcdef`"""
    twilio_turn_auth_token: SecretStr | None = Field(default=None, alias="TWILIO_TURN_AUTH_TOKEN")
    """Auth token of that account, or an API key as `SID:SECRET`."""
    twilio_turn_url: BaseUrl | None = Field(default=None, alias="TWILIO_TURN_URL")
    """Other address of Twilio's API (regions, proxies). Example: `https://api.twilio.com`"""
    xirsys_ident: str | None = Field(default=None, alias="XIRSYS_IDENT")
    """Ident of a Xirsys account, whose servers and credentials are checked. Example: `paircam`"""
    xirsys_secret: SecretStr | None = Field(default=None, alias="XIRSYS_SECRET")
    """Secret of that account."""
    xirsys_channel: str | None = Field(default=None, alias="XIRSYS_CHANNEL")
    """Channel of that account. Example: `production`"""
    xirsys_url: BaseUrl | None = Field(default=None, alias="XIRSYS_URL")
    """Other address of Xirsys' API (regions). Example: `https://global.xirsys.net`"""
    turn_rest_url: BaseUrl | None = Field(default=None, alias="TURN_REST_URL")
    """Endpoint that issues credentials by draft-uberti-behave-turn-rest (`?service=turn`). Example:
    `https://api.example.org/turn`"""
    turn_rest_username: str | None = Field(default=None, alias="TURN_REST_USERNAME")
    """User for whom it issues them; without it `probe`. Example: `probe`"""
    turn_rest_key: SecretStr | None = Field(default=None, alias="TURN_REST_KEY")
    """Its API key, sent as the parameter `key`."""
    user_quota: int = Field(default=2, ge=1, le=10_000, alias="TURN_USER_QUOTA")
    """Allocations that checks have of one TURN user at a time: no more than the servers permit
    (coturn's `user-quota`). More of them let checks run side by side. Example: `4`"""
    families: str = Field(default="", alias="PROBE_TURN_FAMILIES")
    """Address families, each a check of its own; without it the first address of a name. Example:
    `ipv4,ipv6`"""

    @field_validator("turn_urls", "turn_backup_urls")
    @classmethod
    def _are_urls(cls, text: str) -> str:
        parse_url_list(text)
        return text

    @field_validator("turn_host")
    @classmethod
    def _is_host(cls, text: str | None) -> str | None:
        return None if text is None else parse_host(text)

    @field_validator("turn_username", "turn_backup_username")
    @classmethod
    def _is_half_of_a_pair(cls, username: str | None, info: ValidationInfo) -> str | None:
        is_primary = info.field_name == "turn_username"
        field = "turn_password" if is_primary else "turn_backup_password"
        other = field.upper()
        secret = "turn_shared_secret" if is_primary else "turn_backup_shared_secret"
        # A value that is wrong itself is missing here: it has its own mistake.
        if field not in info.data or info.data.get(secret):
            return username
        if username and info.data[field] is None:
            raise ValueError(f"is set without {other}: set both or neither")
        if username is None and info.data[field] is not None:
            raise ValueError(f"is not set, but {other} is: set both or neither")
        return username

    @field_validator("families")
    @classmethod
    def _are_families(cls, text: str) -> str:
        if set(split_urls(text)) <= {"ipv4", "ipv6"}:
            return text
        raise ValueError("write ipv4, ipv6, or both with a comma between them")

    @property
    def requested_families(self) -> tuple[Family | None, ...]:
        """The families that each server is looked at by; None for whichever comes first."""
        return tuple(cast(list[Family], split_urls(self.families))) or (None,)

    @property
    def metered_base(self) -> SecretStr | None:
        """Where Metered's REST API is for this account."""
        if self.metered_url is not None or self.metered_app is None:
            return self.metered_url
        return SecretStr(f"https://{self.metered_app}.metered.live")

    def issuer_keys(self, issuer: str) -> Mapping[str, Any]:
        """What is set of an issuer, by the keys of a check's table."""
        values = {key: getattr(self, field) for key, field in ISSUER_FIELDS[issuer].items()}
        return {key: value for key, value in values.items() if value is not None}

    def issuer_variable(self, issuer: str, key: str) -> str:
        """The variable behind a key of a check's table."""
        return str(type(self).model_fields[ISSUER_FIELDS[issuer][key]].alias)


class ConfiguredTurnServer(Struct, frozen=True):
    """One server by one transport; ``source`` is None where no credentials are configured."""

    provider: str
    url: TurnUri
    source: CredentialSource | None


class TurnServers(Struct, frozen=True):
    """The servers in a fixed order, and what is not looked at and why."""

    servers: tuple[ConfiguredTurnServer, ...]
    skipped: tuple[str, ...] = ()


def servers_of(environment: TurnEnvironment) -> TurnServers:
    """The servers that the variables name: primary and backup, each by every transport."""
    found: list[ConfiguredTurnServer] = []
    skipped: list[str] = []
    for provider, name, urls, source in (
        (PRIMARY, "TURN_URLS", _primary_urls(environment), _primary_source(environment)),
        (BACKUP, "TURN_BACKUP_URLS", _backup_urls(environment), _backup_source(environment)),
    ):
        if urls is None:
            skipped.append(f"{name} is not set")
        elif not urls:
            skipped.append(f"{name} names no turn: or turns: server")
        found += [ConfiguredTurnServer(provider, url, source) for url in urls or ()]
    return TurnServers(tuple(found), tuple(skipped))


def named(servers: tuple[ConfiguredTurnServer, ...]) -> Iterator[tuple[str, ConfiguredTurnServer]]:
    """Each server with its name: ``primary-udp``, and ``primary-udp-2`` for the second."""
    count: dict[str, int] = {}
    for server in servers:
        name = f"{server.provider}-{server.url.kind}"
        count[name] = count.get(name, 0) + 1
        yield (name if count[name] == 1 else f"{name}-{count[name]}"), server


def _primary_urls(environment: TurnEnvironment) -> tuple[TurnUri, ...] | None:
    host = environment.turn_host
    # An own coturn is where TURN_HOST says, whatever TURN_URLS was left from before.
    if environment.turn_urls and not (host and environment.turn_provider == "coturn"):
        return parse_url_list(environment.turn_urls).urls
    if host is None:
        return None
    port, tls_port = environment.turn_port, environment.turn_tls_port
    return (
        TurnUri("turn", host, port, "udp"),
        TurnUri("turn", host, port, "tcp"),
        TurnUri("turns", host, tls_port, "tcp"),
    )


def _primary_source(environment: TurnEnvironment) -> CredentialSource | None:
    static = _static(environment.turn_username, environment.turn_password)
    secret = environment.turn_shared_secret
    if secret is not None and (environment.turn_provider == "coturn" or static is None):
        return TimeLimited(secret)
    return static


def _backup_urls(environment: TurnEnvironment) -> tuple[TurnUri, ...] | None:
    text = environment.turn_backup_urls
    return parse_url_list(text).urls if text else None


def _backup_source(environment: TurnEnvironment) -> CredentialSource | None:
    static = _static(environment.turn_backup_username, environment.turn_backup_password)
    secret = environment.turn_backup_shared_secret
    return TimeLimited(secret) if secret is not None and static is None else static


def _static(username: str | None, password: SecretStr | None) -> Static | None:
    if username is None or password is None:
        return None
    return Static(TurnCredentials(username, password))
