"""The probe's own settings, and the way from variables and files to a plan."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from alerts.cluster.configuration import static_warnings
from alerts.cluster.members import PeersPlan
from alerts.config import AlertingConfig as Alerting
from alerts.notifiers import NOTIFIERS
from alerts.settings import alerting_warnings, read_alerting
from probe.config import advice, runbook_library
from probe.config.check_plan import (
    CheckPlan,
    Kinds,
    RawTables,
    make_plan,
    read_tables,
    variables_named_in,
)
from probe.config.listen import DEFAULT_LISTEN, check_listen, listen_address
from probe.config.secret_values import secret_parts, secrets_in
from probe.config.witness import plan_of_witness
from probe.core.environment import (
    SECRETS_DIRECTORY,
    ConfigProblem,
    ConfigurationError,
    Environment,
    EnvironmentSources,
    read_environment,
)
from probe.diagnostics.sentry import check_dsn
from probe.net import proxies
from probe.net.peer_address import PeerEntries
from probe.net.urls import BaseUrl, HttpUrl, split_urls

# The value of PROBE_SENTRY_DSN that takes the application's.
INHERIT = "inherit"
# Variables of the probe's that other parts read: the command line, its image, its tests.
NOT_OURS_TO_READ = ("PROBE_BIN", "PROBE_IMAGE")
DEFAULT_CONFIG = "probe.toml"
DEFAULT_REGION = "local"
SHORTEST_TOKEN = 16

# The backend's words (npm levels) beside Python's: the environment file is shared.
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
    data: Path | None = Field(default=None, alias="PROBE_DATA")
    """Directory of history, alerts and silences; without it they are kept in memory. Example:
    `/data`"""
    web_user: str | None = Field(default=None, alias="PROBE_WEB_USER")
    """User name that opens the pages; needs `PROBE_WEB_PASSWORD`. Example: `ops`"""
    web_password: SecretStr | None = Field(default=None, alias="PROBE_WEB_PASSWORD")
    """Password that opens the pages; needs `PROBE_WEB_USER`."""
    web_token: SecretStr | None = Field(default=None, alias="PROBE_WEB_TOKEN")
    """Bearer token that opens the pages, instead of or beside the password."""
    metrics_open: bool = Field(default=False, alias="PROBE_METRICS_OPEN")
    """`true` serves `/metrics` without a login, for scrapers that have none. Example: `true`"""
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
    grafana_url: HttpUrl | None = Field(default=None, alias="GRAFANA_URL")
    """Address of a dashboard; notifications link to it. Example:
    `https://grafana.example.org/d/probe-overview`"""
    peers: PeerEntries = Field(default="", alias="PROBE_PEERS")
    """All probes, this one included, in the order in which they send notifications: addresses, or a
    name that resolves to all of them. Example: `paircam-probe.internal`"""
    peer_token: SecretStr | None = Field(default=None, alias="PROBE_PEER_TOKEN")
    """Shared token of all probes, at least 16 letters and digits. With it this probe answers calls
    and queries of others."""
    journal: Path | None = Field(default=None, alias="PROBE_JOURNAL")
    """Directory of a second copy of the journal of open incidents, on another volume than
    `PROBE_DATA`. Example: `/mnt/second`"""
    witness: bool = Field(default=False, alias="PROBE_WITNESS")
    """`true` makes this probe a witness: it runs no checks but its references, and counts as a
    member, so that two regions keep a majority when the way between them is cut."""

    @field_validator("sentry_dsn")
    @classmethod
    def _right_dsn(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and value.get_secret_value() != INHERIT:
            check_dsn(value.get_secret_value())
        return value

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

    @field_validator("peer_token")
    @classmethod
    def _long_token(cls, value: SecretStr | None) -> SecretStr | None:
        token = value.get_secret_value() if value else ""
        plain = token.isascii() and token.isprintable() and " " not in token
        if value is not None and (not plain or len(token) < SHORTEST_TOKEN):
            raise ValueError(f"write at least {SHORTEST_TOKEN} letters and digits, without blanks")
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
            raise ValueError(f"'{value}' is no level: write one of {', '.join(LOG_LEVELS)}")
        return value.lower()


@dataclass(frozen=True)
class DaemonSettings:
    """What the daemon alone needs: where it listens, where it keeps things, whom it tells.

    ``data`` is the directory of the history; None keeps it in memory.
    """

    listen: tuple[str, int] = ("::", 9091)
    data: Path | None = None
    web_user: str | None = None
    web_password: SecretStr | None = None
    web_token: SecretStr | None = None
    metrics_open: bool = False
    web_config_file: Path | None = None
    log_format: Literal["json", "console"] | None = None
    heartbeat_url: SecretStr | None = None
    sentry_dsn: SecretStr | None = None
    peers: PeersPlan = field(default_factory=PeersPlan)
    journal: Path | None = None

    @property
    def journals(self) -> tuple[Path, ...]:
        """The directories in which the journal of open incidents is kept."""
        return tuple(each for each in (self.data, self.journal) if each is not None)


@dataclass(frozen=True)
class Settings:
    """Everything that a run needs to know: the plan, and who we are.

    ``config`` is the file whose change is worth reading it again; None: there is none.
    ``warnings`` are about what is valid and will not do.
    """

    plan: CheckPlan
    region: str
    log_level: int
    service: DaemonSettings = field(default_factory=DaemonSettings)
    config: Path | None = None
    alerting: Alerting = field(default_factory=lambda: Alerting(DEFAULT_REGION))
    warnings: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that the configuration holds, for whoever has to keep them out of
        texts. Addresses are told apart: what is secret in them, not where they lead."""
        service = self.service
        found = {text for check in self.plan.checks for text in secrets_in(check.table)}
        found |= self.alerting.secrets | proxies.passwords()
        own = (service.web_password, service.web_token, service.sentry_dsn, service.peers.token)
        for secret in own:
            found |= {secret.get_secret_value()} if secret else set()
        if service.heartbeat_url is not None:
            parts = urlsplit(service.heartbeat_url.get_secret_value())
            found |= {parts.path, *secret_parts(parts)}
        return tuple(sorted(text for text in found if text.strip("/")))


def load_settings(
    kinds: Kinds,
    environ: Mapping[str, str],
    *,
    env_file: Path | None = Path(".env"),
    alone: bool = False,
) -> Settings:
    """Read variables and ``probe.toml`` and make the plan.

    ``alone`` is for the lab, which is watched by ``environ`` alone, without any file.
    Raises ConfigurationError with every mistake of every place at once.
    """
    mistakes: list[ConfigProblem] = []
    sources = (
        EnvironmentSources(environ, secrets=None)
        if alone
        else EnvironmentSources(environ, env_file)
    )
    own, config, plan, alerting = None, None, CheckPlan(()), Alerting(DEFAULT_REGION)
    warnings: tuple[str, ...] = ()
    try:
        config = sources.load(["PROBE_CONFIG"]).get("PROBE_CONFIG")
        own = read_environment(ProbeEnvironment, sources.load(ProbeEnvironment.variable_names()))
    except ConfigurationError as error:
        mistakes += error.mistakes
    try:
        path = None if alone else Path(config or DEFAULT_CONFIG)
        plan, alerting, warnings = _plans(kinds, sources, path, config)
    except ConfigurationError as error:
        mistakes += error.mistakes
    if own is None or mistakes:
        raise ConfigurationError(mistakes)
    region = own.region or own.fly_region or DEFAULT_REGION
    path = None if alone else Path(config or DEFAULT_CONFIG)
    pages, dashboards = _text(own.public_url), _text(own.grafana_url)
    whole = replace(alerting, region=region, public_url=pages, grafana_url=dashboards)
    has_region = bool(own.region or own.fly_region)
    warnings = () if alone else warnings
    return Settings(
        plan_of_witness(plan) if own.witness else plan,
        region,
        LOG_LEVELS[own.log_level],
        _service(own),
        path,
        whole,
        (
            *sources.warnings,
            *(() if alone else alerting_warnings(whole)),
            *static_warnings(split_urls(own.peers), has_region=has_region),
            *warnings,
        ),
    )


def _text(address: SecretStr | None) -> str:
    return address.get_secret_value() if address else ""


def _service(own: ProbeEnvironment) -> DaemonSettings:
    return DaemonSettings(
        listen=listen_address(own.listen),
        data=own.data,
        web_user=own.web_user,
        web_password=own.web_password,
        web_token=own.web_token,
        metrics_open=own.metrics_open,
        web_config_file=own.web_config_file,
        log_format=own.log_format,
        heartbeat_url=own.heartbeat_url,
        sentry_dsn=own.own_sentry_dsn,
        peers=PeersPlan(tuple(split_urls(own.peers)), own.peer_token, witness=own.witness),
        journal=own.journal,
    )


def _plans(
    kinds: Kinds, sources: EnvironmentSources, path: Path | None, config: str | None
) -> tuple[CheckPlan, Alerting, tuple[str, ...]]:
    mistakes: list[ConfigProblem] = []
    tables: RawTables = {}
    if path is not None:
        tables, mistakes = read_tables(path, kinds, required=config is not None)
    names = {name for kind in kinds for name in kind.environment.variable_names()}
    names |= {name for each in NOTIFIERS for name in each.environment.variable_names()}
    names |= set(runbook_library.VARIABLES)
    shown = path or Path(DEFAULT_CONFIG)
    try:
        variables = sources.load(names | variables_named_in(tables))
    except ConfigurationError as error:
        raise ConfigurationError([*mistakes, *error.mistakes]) from None
    found: list[CheckPlan] = []
    try:
        found = [make_plan(kinds, variables, tables, shown)]
    except ConfigurationError as error:
        mistakes += error.mistakes
    alerting, wrong = read_alerting(variables, tables, shown)
    books, unusable = runbook_library.library_of(variables, found[0].checks if found else (), shown)
    alerting = replace(alerting, runbooks=books)
    mistakes += [*wrong, *unusable]
    if mistakes:
        raise ConfigurationError(mistakes)
    known = names | variables_named_in(tables) | set(ProbeEnvironment.variable_names())
    return found[0], alerting, _advice(found[0], alerting, sources, known)


def _advice(
    plan: CheckPlan, alerting: Alerting, sources: EnvironmentSources, known: set[str]
) -> tuple[str, ...]:
    receivers = {
        name.partition("_")[0] for each in NOTIFIERS for name in each.environment.variable_names()
    }
    names = known | {SECRETS_DIRECTORY, *NOT_OURS_TO_READ}
    return advice.warnings_of(alerting, plan.checks, sources.names, names, receivers)
