"""The variables of the probe itself."""

import logging
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from probe.config.listen import (
    DEFAULT_LISTEN,
    check_host_patterns,
    check_listen,
    host_patterns,
)
from probe.config.public_page import check_links, check_public_listen, logo_address
from probe.config.shard import Shard
from probe.core.environment import Environment
from probe.diagnostics.private_files import check_data_folder
from probe.diagnostics.sentry import check_dsn
from probe.net.address.peer_address import PeerEntries
from probe.net.urls import BaseUrl, HttpUrl, split_urls

# The value of PROBE_SENTRY_DSN that takes the application's.
INHERIT = "inherit"
MIN_TOKEN = 16

# The backend's words (npm levels) in addition to Python's: the environment file is shared.
LOG_LEVELS = {
    "critical": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "http": logging.INFO,
    "verbose": logging.INFO,
    "debug": logging.DEBUG,
    "silly": logging.DEBUG,
}


Listen = Annotated[str, AfterValidator(check_listen)]
PublicListen = Annotated[str, AfterValidator(check_public_listen)]
HostPatterns = Annotated[str, AfterValidator(check_host_patterns)]
Links = Annotated[str, AfterValidator(check_links)]
DataFolder = Annotated[Path, AfterValidator(check_data_folder)]


class ProbeEnvironment(Environment):
    """Variables of the probe itself."""

    region: str | None = Field(default=None, alias="PROBE_REGION")
    """Name of the place that the probe runs at, a label of all metrics. Example: `lax`"""
    fly_region: str | None = Field(default=None, alias="FLY_REGION")
    """Region on Fly.io, set by Fly; used where `PROBE_REGION` is not set. Example: `lax`"""
    config: str | None = Field(default=None, alias="PROBE_CONFIG")
    """Path of the configuration file; without it `probe.toml`, if it exists. Example:
    `/etc/probe/probe.toml`"""
    log_level: str = Field(default="info", alias="LOG_LEVEL")
    """Lowest level that is logged; the backend's npm levels are accepted too. Example: `debug`"""
    log_format: Literal["json", "console"] | None = Field(default=None, alias="PROBE_LOG_FORMAT")
    """Format of the log; without it `console` on a terminal, else `json`. Example: `json`"""
    listen: Listen = Field(default=DEFAULT_LISTEN, alias="PROBE_LISTEN", validate_default=True)
    """Address and port of the web server. Example: `127.0.0.1:9091`"""
    data: DataFolder | None = Field(default=None, alias="PROBE_DATA")
    """Directory of history, alerts and silences; without it they are kept in memory. Example:
    `/data`"""
    web_user: str | None = Field(default=None, alias="PROBE_WEB_USER")
    """User name that opens the pages; needs `PROBE_WEB_PASSWORD`. Example: `ops`"""
    web_password: SecretStr | None = Field(default=None, alias="PROBE_WEB_PASSWORD")
    """Password that opens the pages; needs `PROBE_WEB_USER`."""
    web_token: SecretStr | None = Field(default=None, alias="PROBE_WEB_TOKEN")
    """Bearer token that opens the pages, instead of or in addition to the password."""
    api_token: SecretStr | None = Field(default=None, alias="PROBE_API_TOKEN")
    """Bearer token of the API: it opens `/api/` and may add silences, annotations, announcements
    and notes; at least 16 letters and digits."""
    metrics_open: bool = Field(default=False, alias="PROBE_METRICS_OPEN")
    """`true` serves `/metrics` without a login, for scrapers that have none. Example: `true`"""
    metrics: Literal["default", "full"] = Field(default="default", alias="PROBE_METRICS")
    """What `/metrics` has of each check: `default` is what rules and dashboards need, `full` every
    histogram and every detail too. Example: `full`"""
    web_config_file: Path | None = Field(default=None, alias="PROBE_WEB_CONFIG_FILE")
    """Prometheus' web configuration file: TLS, client certificates, users, headers; reread when
    it changes. Example: `/etc/probe/web.yml`"""
    heartbeat_url: HttpUrl | None = Field(default=None, alias="PROBE_HEARTBEAT_URL")
    """Dead man's switch: requested once a minute while every check runs on time. Example:
    `https://hc-ping.example.org/uuid`"""
    sentry_dsn: SecretStr | None = Field(default=None, alias="PROBE_SENTRY_DSN")
    """Sentry project for the probe's own errors and a cron check-in; `inherit` takes the
    application's `SENTRY_DSN`. Example: `https://key@sentry.example.org/1`"""
    application_sentry_dsn: SecretStr | None = Field(default=None, alias="SENTRY_DSN")
    """The application's Sentry project; the probe uses it with `PROBE_SENTRY_DSN=inherit` only."""
    public_url: BaseUrl | None = Field(default=None, alias="PROBE_PUBLIC_URL")
    """Address at which people reach the probe's pages; notifications link to it. Example:
    `https://probe.example.org`"""
    allowed_hosts: HostPatterns = Field(default="", alias="PROBE_ALLOWED_HOSTS")
    """Names by which browsers may open the pages over plain HTTP where no login protects them, in
    addition to that of `PROBE_PUBLIC_URL`, addresses, and names without a dot; `*` is every name.
    Example: `probe.example.org,*.corp.example.org`"""
    grafana_url: HttpUrl | None = Field(default=None, alias="GRAFANA_URL")
    """Address of a dashboard; notifications link to it. Example:
    `https://grafana.example.org/d/probe-overview`"""
    peers: PeerEntries = Field(default="", alias="PROBE_PEERS")
    """All probes, this one included, in the order in which they send notifications: addresses, or a
    name that resolves to all of them. Example: `paircam-probe.internal`"""
    peer_token: SecretStr | None = Field(default=None, alias="PROBE_PEER_TOKEN")
    """Shared token of all probes, at least 16 letters and digits. With it this probe answers calls
    and queries of others."""
    journal: DataFolder | None = Field(default=None, alias="PROBE_JOURNAL")
    """Directory of a second copy of the journal of open incidents, on another volume than
    `PROBE_DATA`. Example: `/mnt/second`"""
    status_listen: PublicListen = Field(default="", alias="PROBE_STATUS_LISTEN")
    """Where the public status page is served, without a login: an address and port of its own, or a
    path on the server of the other pages. Example: `0.0.0.0:9092`"""
    status_title: str = Field(default="", max_length=100, alias="PROBE_STATUS_TITLE")
    """Title of the public status page. Example: `PairCam status`"""
    status_logo: Path | None = Field(default=None, alias="PROBE_STATUS_LOGO")
    """Logo of the public status page: an SVG, PNG, JPEG or WebP file of at most 64 kB. Example:
    `/etc/probe/logo.svg`"""
    status_links: Links = Field(default="", alias="PROBE_STATUS_LINKS")
    """Links at the top of the public status page: `NAME=ADDRESS`, separated by commas. Example:
    `PairCam=https://paircam.live`"""
    witness: bool = Field(default=False, alias="PROBE_WITNESS")
    """`true` makes this probe a witness: it runs no checks but its references, and counts as a
    member, so that two regions keep a majority when the way between them is cut."""

    shard: str | None = Field(default=None, alias="PROBE_SHARD")
    """Which part of the checks this probe runs, of how many: by a hash over their names. Example:
    `0/4`"""

    @field_validator("shard")
    @classmethod
    def _is_shard(cls, value: str | None) -> str | None:
        if value is not None:
            Shard.of(value)
        return value

    @field_validator("sentry_dsn")
    @classmethod
    def _right_dsn(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and value.get_secret_value() != INHERIT:
            check_dsn(value.get_secret_value())
        return value

    @field_validator("status_logo")
    @classmethod
    def _readable_logo(cls, value: Path | None) -> Path | None:
        if value is not None:
            logo_address(value)
        return value

    @property
    def hosts_of_pages(self) -> tuple[str, ...]:
        """The names by which browsers may open the pages: the public address's first."""
        public = self.public_url.get_secret_value() if self.public_url else ""
        return (*filter(None, [urlsplit(public).hostname]), *host_patterns(self.allowed_hosts))

    @property
    def own_sentry_dsn(self) -> SecretStr | None:
        """Where the probe's own errors go."""
        if self.sentry_dsn is not None and self.sentry_dsn.get_secret_value() == INHERIT:
            return self.application_sentry_dsn
        return self.sentry_dsn

    @model_validator(mode="after")
    def _inherited_dsn(self) -> Self:
        if self.sentry_dsn is None or self.sentry_dsn.get_secret_value() != INHERIT:
            return self
        if self.application_sentry_dsn is None:
            raise ValueError("PROBE_SENTRY_DSN=inherit needs SENTRY_DSN, the application's own")
        try:
            check_dsn(self.application_sentry_dsn.get_secret_value())
        except ValueError as error:
            raise ValueError(f"SENTRY_DSN: {error}") from None
        return self

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.web_user is None) != (self.web_password is None):
            raise ValueError("PROBE_WEB_USER and PROBE_WEB_PASSWORD belong together: set both")
        return self

    @field_validator("peer_token", "api_token")
    @classmethod
    def _long_token(cls, value: SecretStr | None) -> SecretStr | None:
        token = value.get_secret_value() if value else ""
        plain = token.isascii() and token.isprintable() and " " not in token
        if value is not None and (not plain or len(token) < MIN_TOKEN):
            raise ValueError(f"write at least {MIN_TOKEN} letters and digits, without blanks")
        return value

    @model_validator(mode="after")
    def _peers_with_token(self) -> Self:
        if split_urls(self.peers) and self.peer_token is None:
            raise ValueError("PROBE_PEERS needs PROBE_PEER_TOKEN, the same for all of them")
        if self.witness and not split_urls(self.peers):
            raise ValueError("PROBE_WITNESS needs PROBE_PEERS: a witness is one of several probes")
        return self

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in LOG_LEVELS:
            raise ValueError(f"'{value}' is not a level: write one of {', '.join(LOG_LEVELS)}")
        return value.lower()
