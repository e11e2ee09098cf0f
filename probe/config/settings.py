"""The probe's own settings, and the way from variables and files to a plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from alerts.cluster.configuration import static_warnings
from alerts.cluster.members import PeersPlan
from alerts.config import AlertingConfig as Alerting
from alerts.notifiers import NOTIFIERS
from alerts.settings import alerting_warnings, read_alerting
from probe.config import advice, runbook_library
from probe.config.check_plan import CheckPlan, make_plan
from probe.config.listen import listen_address
from probe.config.probe_environment import LOG_LEVELS, ProbeEnvironment
from probe.config.secret_values import secret_parts, secrets_in
from probe.config.toml_file import Kinds, RawTables, read_tables, variables_named_in
from probe.config.witness import plan_of_witness
from probe.core.environment import (
    SECRETS_DIRECTORY,
    ConfigProblem,
    ConfigurationError,
    EnvironmentSources,
    read_environment,
)
from probe.exporter.settings import ExporterConfig, ExporterEnvironment, read_exporter
from probe.net import proxies
from probe.net.urls import split_urls

# Variables with the prefix PROBE_ that only the command line, the image and the tests read.
NOT_OURS_TO_READ = ("PROBE_BIN", "PROBE_IMAGE")
DEFAULT_CONFIG = "probe.toml"
DEFAULT_REGION = "local"


@dataclass(frozen=True)
class DaemonSettings:
    """Settings of the daemon only: listen address, data directory, login, heartbeat, peers.

    ``data`` is the directory of the history; None keeps it in memory.
    """

    listen: tuple[str, int] = ("::", 9091)
    data: Path | None = None
    web_user: str | None = None
    web_password: SecretStr | None = None
    web_token: SecretStr | None = None
    api_token: SecretStr | None = None
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
    """All settings of a run.

    ``config`` is the file that is reread when it changes; None: there is none. ``warnings`` are
    about configuration that is valid and has no effect.
    """

    plan: CheckPlan
    region: str
    log_level: int
    service: DaemonSettings = field(default_factory=DaemonSettings)
    config: Path | None = None
    alerting: Alerting = field(default_factory=lambda: Alerting(DEFAULT_REGION))
    warnings: tuple[str, ...] = ()
    exporter: ExporterConfig = field(default_factory=ExporterConfig)

    @property
    def secrets(self) -> tuple[str, ...]:
        """All secrets of the configuration, for redaction. Of a URL only the secret parts count,
        not the host."""
        service = self.service
        found = {text for check in self.plan.checks for text in secrets_in(check.table)}
        found |= self.alerting.secrets | proxies.passwords() | self.exporter.secrets
        own = (service.web_password, service.web_token, service.api_token, service.sentry_dsn)
        for secret in (*own, service.peers.token):
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

    ``alone`` is for the lab, which is configured by ``environ`` only, without any file.
    Raises ConfigurationError with all mistakes.
    """
    mistakes: list[ConfigProblem] = []
    sources = (
        EnvironmentSources(environ, secrets=None)
        if alone
        else EnvironmentSources(environ, env_file)
    )
    own, config, plan, alerting = None, None, CheckPlan(()), Alerting(DEFAULT_REGION)
    exporter = ExporterConfig()
    warnings: tuple[str, ...] = ()
    try:
        config = sources.load(["PROBE_CONFIG"]).get("PROBE_CONFIG")
        own = read_environment(ProbeEnvironment, sources.load(ProbeEnvironment.variable_names()))
    except ConfigurationError as error:
        mistakes += error.mistakes
    path = None if alone else Path(config or DEFAULT_CONFIG)
    try:
        plan, alerting, exporter, warnings = _plans(kinds, sources, path, config)
    except ConfigurationError as error:
        mistakes += error.mistakes
    if own is None or mistakes:
        raise ConfigurationError(mistakes)
    # Without any check of its own the daemon may still probe on request.
    plan = replace(plan, may_be_empty=plan.may_be_empty or bool(exporter.allowed.entries))
    settings = replace(_settings(own, plan, alerting, path), exporter=exporter)
    advice_given = () if alone else warnings
    return replace(settings, warnings=(*sources.warnings, *settings.warnings, *advice_given))


def _settings(
    own: ProbeEnvironment, plan: CheckPlan, alerting: Alerting, path: Path | None
) -> Settings:
    """``path`` is the configuration file; None in the lab, which notifies no receiver."""
    has_region = bool(own.region or own.fly_region)
    region = own.region or own.fly_region or DEFAULT_REGION
    pages, dashboards = _text(own.public_url), _text(own.grafana_url)
    complete = replace(alerting, region=region, public_url=pages, grafana_url=dashboards)
    return Settings(
        plan_of_witness(plan) if own.witness else plan,
        region,
        LOG_LEVELS[own.log_level],
        _service(own),
        path,
        complete,
        (
            *(() if path is None else alerting_warnings(complete)),
            *static_warnings(split_urls(own.peers), has_region=has_region),
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
        api_token=own.api_token,
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
) -> tuple[CheckPlan, Alerting, ExporterConfig, tuple[str, ...]]:
    mistakes: list[ConfigProblem] = []
    tables: RawTables = {}
    if path is not None:
        tables, mistakes = read_tables(path, kinds, required=config is not None)
    names = {name for kind in kinds for name in kind.environment.variable_names()}
    names |= {name for each in NOTIFIERS for name in each.environment.variable_names()}
    names |= {*runbook_library.VARIABLES, *ExporterEnvironment.variable_names()}
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
    exporter, misread = read_exporter(variables, tables, shown)
    mistakes += [*wrong, *unusable, *misread]
    if mistakes:
        raise ConfigurationError(mistakes)
    known = names | variables_named_in(tables) | set(ProbeEnvironment.variable_names())
    return found[0], alerting, exporter, _advice(found[0], alerting, sources, known)


def _advice(
    plan: CheckPlan, alerting: Alerting, sources: EnvironmentSources, known: set[str]
) -> tuple[str, ...]:
    receivers = {
        name.partition("_")[0] for each in NOTIFIERS for name in each.environment.variable_names()
    }
    names = known | {SECRETS_DIRECTORY, *NOT_OURS_TO_READ}
    return advice.warnings_of(alerting, plan.checks, sources.names, names, receivers)
