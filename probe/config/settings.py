"""The probe's own settings, and the way from variables and files to a plan."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from pydantic import SecretStr

from alerts.cluster.membership.peers_plan import static_warnings
from alerts.config import AlertingConfig as Alerting
from alerts.notifiers import NOTIFIERS
from alerts.settings import alerting_warnings, read_alerting
from probe.config import advice, runbook_library
from probe.config.check_plan import CheckPlan, make_plan
from probe.config.daemon_settings import DaemonSettings, daemon_settings
from probe.config.discovery.reading import DiscoveredTables, Discovery, discover
from probe.config.gate_table import GateTable, read_gate
from probe.config.partial_plan import plan_of_shard, plan_of_witness
from probe.config.probe_environment import LOG_LEVELS, ProbeEnvironment
from probe.config.secret_values import secret_parts, secrets_in, secrets_of_variables
from probe.config.shard import Shard
from probe.config.toml_tables.reading import (
    GATE_TABLE,
    Kinds,
    RawTables,
    read_tables,
    variables_named_in,
)
from probe.core.environment import (
    SECRETS_DIRECTORY,
    ConfigProblem,
    ConfigurationError,
    Environment,
    EnvironmentSources,
    read_environment,
)
from probe.exporter.settings import ExporterConfig, ExporterEnvironment, read_exporter
from probe.net import proxies
from probe.net.urls import expanded, split_urls
from probe.otel.settings import OtelEnvironment, OtelSettings, otel_settings

# Variables with the prefix PROBE_ that only the command line, the image and the tests read.
READ_ELSEWHERE = ("PROBE_BIN", "PROBE_IMAGE")
DEFAULT_CONFIG = "probe.toml"
DEFAULT_REGION = "local"


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
    gate: tuple[GateTable, ...] = ()
    exporter: ExporterConfig = field(default_factory=ExporterConfig)
    discovered: DiscoveredTables = field(default_factory=DiscoveredTables)
    otel: OtelSettings | None = None
    variable_secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """All secrets of the configuration, for redaction. Of a URL only the secret parts count,
        not the host."""
        service = self.service
        found = {text for check in self.plan.checks for text in secrets_in(check.table)}
        found |= self.alerting.secrets | proxies.passwords() | self.exporter.secrets
        found |= self.otel.secrets if self.otel is not None else set()
        found |= self.variable_secrets
        own = (service.web_password, service.web_token, service.api_token, service.sentry_dsn)
        for secret in (*own, service.peers.token):
            found |= {secret.get_secret_value()} if secret else set()
        if service.heartbeat_url is not None:
            parts = urlsplit(service.heartbeat_url.get_secret_value())
            found |= {parts.path, *secret_parts(parts)}
        return tuple(sorted(text for text in found if text.strip("/")))


class _Configured(msgspec.Struct, frozen=True):
    """What variables and ``probe.toml`` say besides the probe's own variables."""

    plan: CheckPlan = msgspec.field(default_factory=lambda: CheckPlan(()))
    alerting: Alerting = msgspec.field(default_factory=lambda: Alerting(DEFAULT_REGION))
    gate: tuple[GateTable, ...] = ()
    exporter: ExporterConfig = msgspec.field(default_factory=ExporterConfig)
    discovered: DiscoveredTables = msgspec.field(default_factory=DiscoveredTables)
    warnings: tuple[str, ...] = ()


def _placed(problems: list[ConfigProblem], path: Path | None) -> list[ConfigProblem]:
    """With the lines of the file, if there is one; only mistakes take its parser."""
    if path is None:
        return problems
    from probe.config.toml_tables.lines import with_lines

    return with_lines(problems, path)


def load_settings(
    kinds: Kinds,
    environ: Mapping[str, str],
    *,
    env_file: Path | None = Path(".env"),
    alone: bool = False,
    known: Discovery | None = None,
) -> Settings:
    """Read variables and ``probe.toml`` and make the plan.

    ``alone`` is for the lab, which is configured by ``environ`` only, without any file. ``known``
    keeps what service discovery gave last. Raises ConfigurationError with all mistakes.
    """
    problems: list[ConfigProblem] = []
    sources = _sources(environ, env_file, alone=alone)
    own, config, otel, read = None, None, None, _Configured()
    try:
        config = sources.load(["PROBE_CONFIG"]).get("PROBE_CONFIG")
        own = read_environment(ProbeEnvironment, sources.load(ProbeEnvironment.variable_names()))
        otel = None if alone else _otel(sources)
    except ConfigurationError as error:
        problems += error.problems
    path = None if alone else expanded(Path(config or DEFAULT_CONFIG))
    try:
        read = _plans(kinds, sources, path, config, known or Discovery())
    except ConfigurationError as error:
        problems += error.problems
    if own is None or problems:
        raise ConfigurationError(_placed(problems, path))
    plan = _own_part(read.plan, own, read.exporter, read.discovered)
    return replace(
        settings := _settings(own, plan, read.alerting, path),
        exporter=read.exporter,
        discovered=read.discovered.also(read.exporter.files),
        gate=read.gate,
        otel=otel,
        variable_secrets=frozenset(secrets_of_variables(_models(kinds), sources)),
        warnings=(*sources.warnings, *settings.warnings, *(() if alone else read.warnings)),
    )


def _models(kinds: Kinds) -> Iterator[type[Environment]]:
    yield from (ProbeEnvironment, OtelEnvironment, ExporterEnvironment)
    yield from (kind.environment for kind in kinds)
    yield from (notifier.environment for notifier in NOTIFIERS)


def _otel(sources: EnvironmentSources) -> OtelSettings | None:
    return otel_settings(
        read_environment(OtelEnvironment, sources.load(OtelEnvironment.variable_names()))
    )


def _sources(
    environ: Mapping[str, str], env_file: Path | None, *, alone: bool
) -> EnvironmentSources:
    if alone:
        return EnvironmentSources(environ, secrets=None)
    return EnvironmentSources(environ, env_file)


def _own_part(
    plan: CheckPlan,
    own: ProbeEnvironment,
    exporter: ExporterConfig,
    discovered: DiscoveredTables,
) -> CheckPlan:
    """This shard's part of the plan. Without any check of its own the daemon may still probe on
    request, or find targets later."""
    is_waiting = bool(exporter.allowed.entries or discovered.patterns or discovered.refresh)
    plan = msgspec.structs.replace(plan, may_be_empty=plan.may_be_empty or is_waiting)
    return plan if own.shard is None else plan_of_shard(plan, Shard.of(own.shard))


def _settings(
    own: ProbeEnvironment, plan: CheckPlan, alerting: Alerting, path: Path | None
) -> Settings:
    """``path`` is the configuration file; None in the lab, which notifies no receiver."""
    has_region = bool(own.region or own.fly_region)
    region = own.region or own.fly_region or DEFAULT_REGION
    pages, dashboards = _link(own.public_url), _link(own.grafana_url)
    complete = replace(alerting, region=region, public_url=pages, grafana_url=dashboards)
    return Settings(
        plan_of_witness(plan) if own.witness else plan,
        region,
        LOG_LEVELS[own.log_level],
        daemon_settings(own),
        path,
        complete,
        (
            *(() if path is None else alerting_warnings(complete)),
            *static_warnings(split_urls(own.peers), has_region=has_region),
        ),
    )


def _link(address: SecretStr | None) -> str:
    """As people may follow it: a login in it is the probe's own."""
    text = address.get_secret_value() if address else ""
    login, at, _ = urlsplit(text).netloc.rpartition("@")
    return text.replace(f"{login}{at}", "", 1)


def _plans(
    kinds: Kinds,
    sources: EnvironmentSources,
    path: Path | None,
    config: str | None,
    known: Discovery,
) -> _Configured:
    problems: list[ConfigProblem] = []
    tables: RawTables = {}
    if path is not None:
        tables, problems = read_tables(path, kinds, required=config is not None)
    names = {name for kind in kinds for name in kind.environment.variable_names()}
    names |= {name for each in NOTIFIERS for name in each.environment.variable_names()}
    names |= {*runbook_library.VARIABLES, *ExporterEnvironment.variable_names()}
    shown = path or Path(DEFAULT_CONFIG)
    try:
        variables = sources.load(names | variables_named_in(tables))
    except ConfigurationError as error:
        raise ConfigurationError([*problems, *error.problems]) from None
    discovered, unread = discover(tables.get("discovery", ()), kinds, variables, known, shown)
    problems += unread
    found: list[CheckPlan] = []
    try:
        found = [make_plan(kinds, variables, discovered.merge_into(tables), shown)]
    except ConfigurationError as error:
        problems += error.problems
    alerting, wrong = read_alerting(variables, tables, shown)
    books, unusable = runbook_library.library_of(variables, found[0].checks if found else (), shown)
    alerting = replace(alerting, runbooks=books)
    exporter, misread = read_exporter(variables, tables, shown)
    checks = found[0].checks if found else ()
    gate, gate_problems = read_gate(tables.get(GATE_TABLE, ()), checks, shown)
    problems += [*wrong, *unusable, *misread, *(gate_problems if found else ())]
    if problems:
        raise ConfigurationError(problems)
    read = names | variables_named_in(tables) | set(ProbeEnvironment.variable_names())
    given = _advice(found[0], alerting, sources, read)
    return _Configured(found[0], alerting, gate, exporter, discovered, given)


def _advice(
    plan: CheckPlan, alerting: Alerting, sources: EnvironmentSources, known: set[str]
) -> tuple[str, ...]:
    receivers = {
        name.partition("_")[0] for each in NOTIFIERS for name in each.environment.variable_names()
    }
    names = known | {SECRETS_DIRECTORY, *READ_ELSEWHERE}
    return advice.warnings_of(alerting, plan.checks, sources.names, names, receivers)
