"""The daemon: keeps every check of the plan running, and starts and stops its parts in order."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from random import Random
from types import TracebackType

from prometheus_client import CollectorRegistry

from probe.config.check_plan import CheckPlan
from probe.config.settings import Settings
from probe.core.kind import Check, warnings_of
from probe.core.runner import preload, run_check
from probe.daemon.annotation_loop import AnnotationLoop, connect_incidents, incident_jobs
from probe.daemon.heartbeat_loop import HeartbeatLoop
from probe.daemon.parts import DaemonState, build_parts, own_metrics
from probe.daemon.readiness import longest_seconds
from probe.daemon.reload import Reloader
from probe.daemon.restore import StateRestorer
from probe.daemon.result_handler import ResultHandler
from probe.daemon.schedule import CheckTiming, Schedule, stagger
from probe.daemon.self_monitoring.garbage_loop import GarbageLoop, settle_garbage_collector
from probe.daemon.self_monitoring.shipped import read_shipped
from probe.daemon.self_monitoring.snapshot import snapshot_of
from probe.daemon.self_monitoring.startup_order import startup_order
from probe.daemon.serving.api_source import DaemonApi
from probe.daemon.serving.board_source import load_figures, subjects_of
from probe.daemon.serving.page_source import PageSource
from probe.daemon.serving.peer_call_answerer import PeerAnswers
from probe.daemon.serving.web_access import security_of
from probe.daemon.serving.web_server import (
    DaemonSilences,
    api_routes,
    build_public_server,
    build_server,
    exporter_routes,
    start_public,
)
from probe.diagnostics.redact import Redactor
from probe.history import History
from probe.metrics.self_snapshot import SelfSnapshot
from probe.web.pages import WebServer
from probe.web.security import WebSecurity

logger = logging.getLogger(__name__)

# For connections of finished runs that are still being closed. With half a second for cancelled
# checks, one for slow readers of the pages and 1.5 for Sentry, a shutdown takes 6 s at most.
DRAIN_SECONDS = 2.0
HEARTBEAT_SECONDS = 60.0


class Daemon:
    """Runs until it is cancelled. ``load`` reads the configuration again."""

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], Settings],
        *,
        security: WebSecurity | None = None,
    ) -> None:
        self._clock, self._now = clock, now = time.monotonic, time.time
        parts = self._parts = build_parts(settings, clock, now)
        self._state = DaemonState(settings, exporter=settings.exporter)
        self._startup_order: dict[str, int] = {}
        self._timings: dict[str, CheckTiming] = {}
        self._security = security or security_of(settings.service)
        self._registry = CollectorRegistry()
        self._self_metrics = own_metrics(settings, parts, self._registry, self._snapshot)
        self._schedule = Schedule(self._run, clock=clock, on_lateness=self._self_metrics.late)
        self._results = ResultHandler(parts, self._state, self._schedule, clock)
        self.reloader = Reloader(load, self._take_over, settings.config, now=now, first=settings)
        self._heartbeat_loop = HeartbeatLoop(
            parts.heartbeat,
            parts.readiness,
            parts.references,
            settings.region,
            clock,
            HEARTBEAT_SECONDS,
            parts.own.alerting_problem,
        )
        parts.alerts.run_soon = self._schedule.run_soon
        parts.alerts.cluster.run_soon = lambda name: self._schedule.run_soon(name, 0.0)
        self._annotations = AnnotationLoop(parts.alerts.pipeline.changes, now)
        self.record_restart = parts.starts.is_restarted
        self._server = self._web_server()

    def _web_server(self) -> WebServer:
        parts, state = self._parts, self._state
        source = PageSource(
            parts,
            state,
            self._schedule,
            self.reloader,
            self._registry,
            self._security,
            clock=self._clock,
            now=self._now,
        )
        silences = DaemonSilences(
            parts.alerts, lambda: state.plan.checks or state.settings.plan.checks, self._now
        )
        self._answers = PeerAnswers(parts.context, parts.identity, lambda: state.plan.checks)
        service, version = state.settings.service, parts.identity.version
        public_url = parts.alerts.pipeline.config.public_url
        api = DaemonApi(parts.alerts, state, source.board, self._now, self._annotations.wake)
        self._public = build_public_server(service, source.public_site(), self._security)
        return build_server(
            service,
            source.page_data(),
            parts.alerts.answer,
            self._answers.answer,
            silences.page,
            self._clock,
            self._security,
            [
                *api_routes(service, api, self._security, version, public_url),
                *exporter_routes(parts.context, state, self.reloader.reload_now),
            ],
        )

    @property
    def address(self) -> tuple[str, int]:
        """Where the pages are served, once it runs: (host, port)."""
        return self._server.address

    @property
    def is_encrypted(self) -> bool:
        """Whether the pages are served over TLS."""
        return self._security.tls() is not None

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Run until cancelled, then close everything.

        ``started`` is called when the pages can be reached. Raises OSError if the listen address
        can't be bound.
        """
        parts, settings = self._parts, self._state.settings
        read_shipped(
            settings.alerting.notifiers,
            probes_on_request=bool(settings.exporter.allowed.entries),
            has_peers=bool(settings.service.peers.entries),
        )
        async with AsyncExitStack() as stack:
            await parts.starts.begin()
            stack.push_async_exit(self._note_end)
            stack.push_async_callback(parts.context.closing.drain, timeout=DRAIN_SECONDS)
            history = self._state.history = await History.open(settings.service.data, now=self._now)
            stack.push_async_callback(history.close)
            stack.push_async_callback(parts.runs.store)
            await connect_incidents(history, parts.alerts, self._annotations, self._now())
            await parts.alerts.open()
            stack.push_async_callback(parts.alerts.close)
            stack.push_async_callback(self._answers.close)
            await self._server.start()
            stack.push_async_callback(self._server.stop)
            await start_public(self._public, stack)
            started()
            preload(settings.plan.checks)
            await self._restore(history)
            stack.push_async_callback(self._schedule.stop)
            self._schedule.start()
            self._set_checks(settings)
            settle_garbage_collector()
            await self._run_tasks()

    async def _restore(self, history: History) -> None:
        """Continue from what the last process has stored."""
        parts, checks = self._parts, self._state.settings.plan.checks
        restorer = StateRestorer(parts.states, parts.quotas, self._clock, self._now)
        await restorer.restore_state(history, checks)
        await parts.runs.restore(history)
        order = await startup_order(history, checks, parts.starts.recent, Random())
        self._startup_order = {name: position for position, name in enumerate(order)}

    async def _run_tasks(self) -> None:
        parts, own = self._parts, self._parts.own
        await parts.supervisor.run(
            {
                "loop-lag": self._self_metrics.watch_loop,
                "reload": self.reloader.run,
                "heartbeat": self._send_heartbeats,
                "own-health": lambda: own.run(lambda: self.reloader.outcome.ok),
                **incident_jobs(self._annotations, parts.alerts, self._state),
                "clock": own.clock_watch.run,
                "garbage": GarbageLoop(self._schedule.is_idle, self._clock).run,
                "figures": lambda: load_figures(self._state, self._now),
                "recent-runs": parts.runs.run,
                **parts.alerts.jobs,
                **(parts.otel.jobs if parts.otel is not None else {}),
            }
        )

    async def _note_end(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Record why the process ends: a signal, or which error."""
        if kind is None or issubclass(kind, asyncio.CancelledError):
            await self._parts.starts.end("a signal")
        else:
            await self._parts.starts.end(f"an error ({kind.__name__})")

    async def _take_over(self, settings: Settings) -> None:
        """Apply reloaded settings; warn of changes that need a restart. Nothing is awaited between
        routes, windows and checks: a check that is renamed with its window would be sent."""
        await asyncio.to_thread(preload, settings.plan.checks)
        old = self._state.settings
        if settings.service != old.service or settings.region != old.region:
            logger.warning(
                "PROBE_ variables except PROBE_CONFIG and the region take effect after a restart"
            )
        self._parts.context.redact = Redactor(settings.secrets).clean
        self._state.exporter = settings.exporter
        self._parts.alerts.reload(settings.alerting)
        self._set_checks(settings)

    def _set_checks(self, settings: Settings) -> None:
        """Run the checks of these settings from now on; unchanged ones are not restarted."""
        state, running = self._state, self._state.checks
        logging.getLogger().setLevel(settings.log_level)
        checks = {check.name: self._same(check) or check for check in settings.plan.checks}
        gone = [name for name, check in running.items() if checks.get(name) is not check]
        new = [check for name, check in checks.items() if running.get(name) is not check]
        for name in gone:
            self._schedule.remove(name)
            self._parts.readiness.forget(name)
        state.revision += 1
        state.checks = checks
        state.plan = CheckPlan(tuple(checks.values()), settings.plan.skipped)
        self._distribute(state.plan)
        warnings = settings.warnings if state.revision == 1 else ()
        for warning in (*warnings, *warnings_of(new)):
            logger.warning("%s", warning)
        if not checks:
            self._results.end_first_round()
        self._schedule_new(new)

    def _distribute(self, plan: CheckPlan) -> None:
        """Tell the parts which checks there are."""
        parts = self._parts
        for part in (
            parts.states,
            parts.exporter,
            parts.readiness,
            parts.references,
            parts.quotas,
            parts.triggers,
        ):
            part.set_checks(plan.checks)
        if self._state.history is not None:
            longest = {check.name: longest_seconds(check) for check in plan.checks}
            self._state.history.set_checks(longest, subjects_of(plan.checks))
        parts.runs.keep([check.name for check in plan.checks])
        parts.alerts.set_checks([check for check in plan.checks if not check.table.is_reference])

    def _schedule_new(self, new: list[Check]) -> None:
        """After a start, failing and long unmeasured checks run first; after a reload, new checks
        run in the order of the file."""
        new.sort(key=lambda check: self._startup_order.get(check.name, len(self._startup_order)))
        self._startup_order = {}
        deadlines = {check.name: check.table.deadline for check in new}
        for timing in stagger([(check.name, check.interval) for check in new], deadlines):
            self._timings[timing.name] = timing
            self._schedule.add(timing)

    def _same(self, check: Check) -> Check | None:
        """The check that runs already, if it is equal."""
        old = self._state.checks.get(check.name)
        return old if old is not None and old == check else None

    async def _run(self, name: str) -> None:
        check, timing = self._state.checks[name], self._timings[name]
        first = self._parts.readiness.is_first(name)
        deadline, most = timing.limits(check.table.deadline, opening=first)
        self._parts.quotas.run_started(check)
        result = await run_check(check, self._parts.context, deadline=deadline, most=most)
        if self._state.checks.get(name) is check:
            self._results.handle(check, result)

    async def _send_heartbeats(self) -> None:
        """Send heartbeats to the dead man's switch once the first round is over."""
        await self._state.first_round.wait()
        self._parts.alerts.first_round_done()
        await self._heartbeat_loop.beat()

    def _snapshot(self) -> SelfSnapshot:
        refused = self._server.refused_logins
        return snapshot_of(self._parts, self._state, self._schedule, self.reloader, refused)
