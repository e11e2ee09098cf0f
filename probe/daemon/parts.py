"""The daemon's parts, and the state that they share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alerts.evaluation.check_state import CheckStates
from alerts.evaluation.own_network import References
from alerts.manager import AlertManager
from alerts.notification.message import MessageContext
from alerts.outbox.stored_times import StoredClock
from probe.config.check_plan import CheckPlan
from probe.config.settings import Settings
from probe.core.boot import boot_clock, current_boot_id
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.resources import shortages
from probe.daemon.isolation import Isolation
from probe.daemon.quota_counter import QuotaCounter
from probe.daemon.readiness import Readiness
from probe.daemon.self_monitoring.clock_watch import ClockWatch
from probe.daemon.self_monitoring.own_health import OwnHealth
from probe.daemon.self_monitoring.starts import Starts
from probe.daemon.self_monitoring.supervision import Supervisor
from probe.daemon.serving.recent_runs import RecentRuns
from probe.daemon.serving.status_overview import ProbeIdentity
from probe.daemon.triggers import Triggers
from probe.diagnostics.heartbeat import Heartbeat
from probe.diagnostics.redact import Redactor
from probe.exporter.settings import ExporterConfig
from probe.history import History
from probe.metrics.exporter import Exporter
from probe.metrics.judgement import labelled_links
from probe.metrics.self_metrics import SelfMetrics
from probe.metrics.self_snapshot import SelfSnapshot
from probe.once import probe_version
from probe.otel.export import OtelExport


@dataclass
class DaemonState:
    """What changes while the daemon runs.

    ``revision`` grows with every change that the status page would show. ``first_round`` is set
    once every check has a result.
    """

    settings: Settings
    plan: CheckPlan = field(default_factory=lambda: CheckPlan(()))
    checks: dict[str, Check] = field(default_factory=dict)
    exporter: ExporterConfig = field(default_factory=ExporterConfig)
    history: History | None = None
    revision: int = 0
    first_round: asyncio.Event = field(default_factory=asyncio.Event)


class Parts(Struct, frozen=True):
    """The parts that do not depend on the daemon's tasks; ``build_parts`` makes them."""

    context: Context
    identity: ProbeIdentity
    states: CheckStates
    readiness: Readiness
    references: References
    triggers: Triggers
    quotas: QuotaCounter
    alerts: AlertManager
    supervisor: Supervisor
    starts: Starts
    own: OwnHealth
    exporter: Exporter
    otel: OtelExport | None
    isolation: Isolation
    heartbeat: Heartbeat
    runs: RecentRuns


def build_parts(settings: Settings, clock: Callable[[], float], now: Callable[[], float]) -> Parts:
    """``clock`` is the monotonic clock, ``now`` the wall clock in seconds since 1970."""
    service = settings.service
    redactor = Redactor(settings.secrets)
    context = Context(clock=clock, now=now, redact=redactor.clean, repeats=True)
    alerts = _alert_manager(settings, clock, now)
    exporter = Exporter(
        region=settings.region,
        clock=clock,
        full=service.full_metrics,
        alerts=lambda: alerts.pipeline.alerts.firing,
        links=links_of(settings),
    )
    supervisor, starts = Supervisor(clock), Starts(service.data, now)
    alerts.ran_before = lambda: not starts.is_first
    clock_watch = ClockWatch(now, clock)
    return Parts(
        context=context,
        identity=ProbeIdentity(settings.region, probe_version(), now()),
        states=CheckStates(),
        readiness=Readiness(clock),
        references=References(),
        triggers=Triggers(),
        quotas=QuotaCounter(context),
        alerts=alerts,
        supervisor=supervisor,
        starts=starts,
        own=OwnHealth(alerts, supervisor, starts, clock_watch, shortages(context), clock),
        exporter=exporter,
        otel=_otel_export(settings, exporter),
        isolation=Isolation(clock),
        heartbeat=Heartbeat(service.heartbeat_url, now=now),
        runs=RecentRuns(),
    )


def _otel_export(settings: Settings, exporter: Exporter) -> OtelExport | None:
    if settings.otel is None:
        return None
    version = probe_version()
    return OtelExport(settings.otel, exporter.collect, region=settings.region, version=version)


def links_of(settings: Settings) -> Callable[[str], tuple[tuple[str, str], ...]]:
    """The addresses of a runbook, the status page and the dashboard, as labels have them: without
    those that contain a login."""
    alerting = settings.alerting
    where = MessageContext(settings.region, alerting.public_url, alerting.grafana_url)

    def links(runbook: str) -> tuple[tuple[str, str], ...]:
        found = where.links(runbook)
        return tuple((name, url) for name, url in found if urlsplit(url).username is None)

    return links


def own_metrics(
    settings: Settings,
    parts: Parts,
    registry: CollectorRegistry,
    snapshot: Callable[[], SelfSnapshot],
) -> SelfMetrics:
    """The metrics of the probe itself, on a registry."""
    found = SelfMetrics(
        registry,
        snapshot,
        version=parts.identity.version,
        region=settings.region,
        links=labelled_links(links_of(settings)("")),
        full=settings.service.full_metrics,
    )
    if parts.otel is not None:
        parts.otel.add_own_metrics(registry)
    return found


def _alert_manager(
    settings: Settings, clock: Callable[[], float], now: Callable[[], float]
) -> AlertManager:
    """Its ``now`` is steady: alerts must not jump when the wall clock is set. It goes on while the
    machine is suspended, as the clock of what is stored does."""
    offset = now() - boot_clock()
    return AlertManager(
        settings.alerting,
        settings.service.data,
        peers=replace(settings.service.peers, version=probe_version()),
        journals=settings.service.journals,
        now=lambda: offset + boot_clock(),
        wall=now,
        clock=clock,
        stored=StoredClock(now, boot_clock, current_boot_id()),
    )
