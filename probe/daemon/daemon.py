"""The daemon: takes a plan, keeps every check running, and lets its parts know of results.

What happens at a result is one straight line (``_finish``): judge, alert, export, keep, log.
The parts don't know each other, and an exception of one reaches no other.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from random import Random
from types import TracebackType

from prometheus_client import CollectorRegistry

from alerts.evaluation.check_state import Change, CheckStates
from alerts.evaluation.own_network import References
from alerts.manager import AlertManager
from probe.config.check_plan import CheckPlan
from probe.config.settings import Settings
from probe.core.context import Context
from probe.core.kind import BACKOFF_ABOVE_SECONDS, Check
from probe.core.model import Result, Status, Verdict
from probe.core.runner import preload, run_check, shortages
from probe.daemon.heartbeat_loop import HeartbeatLoop
from probe.daemon.isolation import Isolation
from probe.daemon.peer_call_answerer import PeerAnswers
from probe.daemon.quota_counter import Counting
from probe.daemon.readiness import Readiness
from probe.daemon.reload import Reloader
from probe.daemon.restore import StateRestorer
from probe.daemon.schedule import CheckTiming, Schedule, stagger
from probe.daemon.self_monitoring.clock_watch import ClockWatch
from probe.daemon.self_monitoring.own_health import OwnHealth
from probe.daemon.self_monitoring.shipped import read_shipped
from probe.daemon.self_monitoring.starts import Starts
from probe.daemon.self_monitoring.startup_order import startup_order
from probe.daemon.self_monitoring.supervision import Supervisor
from probe.daemon.state_log import log_change
from probe.daemon.status_notices import config_notices, notices_of
from probe.daemon.status_overview import ProbeIdentity, build_overview
from probe.daemon.triggers import Triggers
from probe.daemon.web_server import (
    DaemonSilences,
    RunbookPages,
    build_server,
    exposure_of,
    security_of,
)
from probe.diagnostics.heartbeat import Heartbeat
from probe.diagnostics.logging_setup import dropped, event
from probe.diagnostics.redact import Redactor
from probe.history import History
from probe.history.model import result_row
from probe.metrics.exporter import Exporter, expose
from probe.metrics.self_metrics import SelfMetrics, SelfSnapshot
from probe.once import probe_version
from probe.report.status import Notice, Overview
from probe.web.pages import PageData
from probe.web.security import WebSecurity

logger = logging.getLogger(__name__)

# For closings behind finished runs, when the process ends. With half a second for checks
# that are cut off, one for slow readers of the pages and 1.5 for Sentry, an end takes 6 s
# at most; Fly and Docker wait for longer.
DRAIN_SECONDS = 2.0
HEARTBEAT_SECONDS = 60.0
# Between checks that are woken by the same result.
WAKING_SECONDS = 0.5


class Daemon:
    """Runs until it is cancelled. ``load`` reads the configuration again.

    ``clock`` is the monotonic clock, ``now`` the wall clock in seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], Settings],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        security: WebSecurity | None = None,
    ) -> None:
        self._settings = settings
        self._plan = CheckPlan(())
        self._clock, self._now = clock, now
        self._revision = 0
        self._startup_order: dict[str, int] = {}
        self._isolation = Isolation(clock)
        self._security = security or security_of(settings.service)
        self._checks: dict[str, Check] = {}
        self._timings: dict[str, CheckTiming] = {}
        redactor = Redactor(settings.secrets)
        self._context = Context(clock=clock, now=now, redact=redactor.clean, repeats=True)
        self._counting = Counting(self._context)
        self._identity = ProbeIdentity(settings.region, probe_version(), now())
        self._board, self._rounds, self._references = CheckStates(), Readiness(clock), References()
        self._waking = Triggers()
        steady = now() - clock()
        self._alarm = AlertManager(
            settings.alerting,
            settings.service.data,
            peers=replace(settings.service.peers, version=probe_version()),
            journals=settings.service.journals,
            now=lambda: steady + clock(),
            wall=now,
            clock=clock,
        )
        self._supervisor = Supervisor(clock)
        self._starts = Starts(settings.service.data, now)
        self._own = OwnHealth(
            self._alarm,
            self._supervisor,
            self._starts,
            ClockWatch(now, clock),
            shortages(self._context),
            clock,
        )
        self._exporter = Exporter(region=settings.region, clock=clock)
        self._registry = CollectorRegistry()
        self._vitals = SelfMetrics(
            self._registry,
            self._reading,
            version=self._identity.version,
            region=settings.region,
        )
        self._schedule = Schedule(self._run, clock=clock, on_lateness=self._vitals.late)
        self._heartbeat = Heartbeat(settings.service.heartbeat_url, now=now)
        self._heart = HeartbeatLoop(
            self._heartbeat,
            self._rounds,
            self._references,
            settings.region,
            clock,
            heartbeat_seconds,
            self._own.alerting_problem,
        )
        self._first_round = asyncio.Event()
        self.reloader = Reloader(load, self._take_over, settings.config, now=now)
        self._alarm.run_soon = self._schedule.run_soon
        self._alarm.fleet.run_soon = lambda name: self._schedule.run_soon(name, 0.0)
        self._answers = PeerAnswers(self._context, self._identity, lambda: self._plan.checks)
        books = RunbookPages(lambda: self._alarm.pipeline.config.runbooks)
        sources = PageData(
            self._overview,
            self._edition_of,
            self._metrics,
            books.page,
            self._not_ready,
            self._own.stuck,
            books.titles,
        )
        silences = DaemonSilences(
            self._alarm, lambda: self._plan.checks or settings.plan.checks, now
        )
        self._server = build_server(
            settings.service,
            sources,
            self._alarm.answer,
            self._answers.answer,
            silences.page,
            clock,
            self._security,
        )
        self._history: History | None = None

    @property
    def address(self) -> tuple[str, int]:
        """What the pages are on, once it runs: (host, port)."""
        return self._server.address

    @property
    def is_encrypted(self) -> bool:
        """Whether the pages are served over TLS."""
        return self._security.tls() is not None

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Run until cancelled, then leave everything tidy.

        ``started`` is called when the pages can be reached. Raises OSError if the address
        that they are to be on can't be had.
        """
        read_shipped(self._settings.alerting.notifiers)
        async with AsyncExitStack() as stack:
            await self._starts.begin()
            stack.push_async_exit(self._note_end)
            stack.push_async_callback(self._context.closing.drain, timeout=DRAIN_SECONDS)
            self._history = await History.open(self._settings.service.data, now=self._now)
            stack.push_async_callback(self._history.close)
            await self._alarm.open()
            stack.push_async_callback(self._alarm.close)
            stack.push_async_callback(self._answers.close)
            await self._server.start()
            stack.push_async_callback(self._server.stop)
            started()
            preload(self._settings.plan.checks)
            if self._history is not None:
                memory = StateRestorer(self._board, self._counting, self._clock, self._now)
                checks = self._settings.plan.checks
                await memory.restore_state(self._history, checks)
                order = await startup_order(self._history, checks, self._starts.recent, Random())
                self._startup_order = {name: place for place, name in enumerate(order)}
            stack.push_async_callback(self._schedule.stop)
            self._schedule.start()
            await self._watch(self._settings)
            # What is loaded by now stays: the collector needn't look at it again and again.
            gc.collect()
            gc.freeze()
            await self._run_tasks()

    async def _run_tasks(self) -> None:
        await self._supervisor.run(
            {
                "loop-lag": self._vitals.watch_loop,
                "reload": self.reloader.run,
                "heartbeat": self._beat,
                "own-health": self._own.run,
                "clock": self._own.clock_watch.run,
                **self._alarm.jobs,
            }
        )

    async def _note_end(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """How this life ends: asked to, or by which error."""
        if kind is None or issubclass(kind, asyncio.CancelledError):
            await self._starts.end("a signal")
        else:
            await self._starts.end(f"an error ({kind.__name__})")

    async def _take_over(self, settings: Settings) -> None:
        """These are the settings from now on; what can't change while it runs is said."""
        if settings.service != self._settings.service or settings.region != self._settings.region:
            logger.warning(
                "PROBE_ variables besides PROBE_CONFIG and the region take effect after a restart"
            )
        self._context.redact = Redactor(settings.secrets).clean
        self._alarm.reload(settings.alerting)
        await self._watch(settings)

    async def _watch(self, settings: Settings) -> None:
        """Run the checks of these settings from now on; unchanged ones go on undisturbed."""
        await asyncio.to_thread(preload, settings.plan.checks)
        logging.getLogger().setLevel(settings.log_level)
        checks = {check.name: self._same(check) or check for check in settings.plan.checks}
        gone = [name for name, check in self._checks.items() if checks.get(name) is not check]
        new = [check for name, check in checks.items() if self._checks.get(name) is not check]
        for name in gone:
            self._schedule.remove(name)
            self._rounds.forget(name)
        self._revision += 1
        self._checks = checks
        self._plan = CheckPlan(tuple(checks.values()), settings.plan.skipped)
        parts = (
            self._board,
            self._exporter,
            self._rounds,
            self._references,
            self._counting,
            self._waking,
        )
        for part in parts:
            part.set_checks(self._plan.checks)
        self._alarm.set_checks([check for check in checks.values() if not check.table.is_reference])
        warnings = settings.warnings if self._revision == 1 else ()
        for warning in (*warnings, *(each for check in new for each in check.config_warnings)):
            logger.warning("%s", warning)
        deadlines = {check.name: check.table.deadline for check in new}
        if not checks:
            self._end_first_round()
        # Failing and long unmeasured ones come first after a start; what a reload brings has its
        # place in the file.
        new.sort(key=lambda check: self._startup_order.get(check.name, len(self._startup_order)))
        self._startup_order = {}
        for timing in stagger([(check.name, check.interval) for check in new], deadlines):
            self._timings[timing.name] = timing
            self._schedule.add(timing)

    def _same(self, check: Check) -> Check | None:
        """The check that runs already, if it is the very same."""
        old = self._checks.get(check.name)
        return old if old is not None and old == check else None

    async def _run(self, name: str) -> None:
        check, timing = self._checks[name], self._timings[name]
        opening = self._rounds.is_first(name)
        deadline = timing.deadline(check.table.deadline, opening=opening)
        self._counting.run_started(check)
        result = await run_check(check, self._context, deadline=deadline)
        if self._checks.get(name) is check:
            self._handle_result(check, result)

    def _handle_result(self, check: Check, result: Result) -> None:
        """Alerting comes first, and an exception of one consumer reaches no other."""
        changes: Sequence[Change] = ()
        with self._isolation.consumer("references"):
            result = self._judged_by_references(result)
        with self._isolation.consumer("evaluation"):
            changes = self._board.update(result, self._clock(), result.started_at.timestamp())
        # A check that comes or goes changes how bad the failure of those is that it backs up.
        for each in {check.name, *(change.check.name for change in changes)}:
            with self._isolation.consumer("alerting"):
                self._update_alerts(self._checks[each])
        with self._isolation.consumer("schedule"):
            self._run_soon(check, result)
        with self._isolation.consumer("metrics"):
            self._exporter.observe(result)
        with self._isolation.consumer("quota usage"):
            self._counting.run_finished(result)
        with self._isolation.consumer("history"):
            self._keep(check, result)
        for change in changes:
            with self._isolation.consumer("log"):
                log_change(change)
        self._revision += len(changes)
        self._rounds.done(check.name, self._clock())
        if not self._first_round.is_set() and not self._rounds.pending:
            self._end_first_round()

    def _keep(self, check: Check, result: Result) -> None:
        stand = self._board.state(check.name)
        if stand is not None and self._history is not None:
            self._history.add(result_row(result, stand.verdict, check.kind.plot))

    def _run_soon(self, check: Check, result: Result) -> None:
        """A failure is confirmed early, and wakes the checks that depend on it."""
        stand = self._board.state(check.name)
        if result.failure is not None and result.status is Status.FAILED and stand is not None:
            failing = result.started_at.timestamp() - stand.since
            again = check.retry_delay(result.failure.cause, failing)
            self._schedule.run_soon(check.name, again)
        elif self._alarm.is_recovering(check.name) and check.interval < BACKOFF_ABOVE_SECONDS:
            self._schedule.run_soon(check.name, check.retry)
        for place, name in enumerate(self._waking.fired_by(result)):
            # One after the other: together they would meet the quota of one TURN user.
            wait = self._waking.delay(name, self._clock())
            self._schedule.run_soon(name, max(wait, place * WAKING_SECONDS))

    def _update_alerts(self, check: Check) -> None:
        stand = self._board.state(check.name)
        if stand is not None and not check.table.is_reference:
            backed_up = self._board.is_backed_up(check.name)
            self._alarm.handle_result(check, stand.result, stand.evaluations, backed_up=backed_up)

    def _judged_by_references(self, result: Result) -> Result:
        """A target that fails has the references looked at too, and what they say counts."""
        if result.status is Status.FAILED and result.check not in self._references.names:
            for name in self._references.names:
                self._schedule.run_soon(name, 0.0)
        judged = self._references.update(result)
        self._alarm.suppress_own_network(self._references.all_fail)
        return judged

    def _end_first_round(self) -> None:
        self._first_round.set()
        verdicts = [stand.verdict for name in self._checks if (stand := self._board.state(name))]
        well = sum(verdict in (Verdict.OK, Verdict.OBJECTIVE_MISSED) for verdict in verdicts)
        event(logger, logging.INFO, "every check has run once", checks=len(verdicts), well=well)

    async def _beat(self) -> None:
        """Tell the dead man's switch, from the end of the first round on."""
        await self._first_round.wait()
        self._alarm.first_round_done()
        await self._heart.beat()

    async def _overview(self) -> Overview:
        if self._history is None:
            raise RuntimeError("the daemon is not running")
        now, clock = self._now(), self._clock()
        turns = {name: self._schedule.next_run_at(name) for name in self._checks}
        due = {name: now + (turn - clock) for name, turn in turns.items() if turn is not None}
        return await build_overview(
            self._board,
            self._history,
            self._plan,
            self._identity,
            now=now,
            due=due,
            outdated=self._waking.outdated(self._board.stands),
            notices=(
                *notices_of(self._alarm, self._references),
                *self._own.notices(),
                *self.reloader.outcome.notices,
                *config_notices(self._settings.warnings, self._plan.checks),
                *self._exposure(),
            ),
        )

    def _edition_of(self) -> int:
        return self._revision + self.reloader.readings

    def _exposure(self) -> Iterator[Notice]:
        text = exposure_of(self._settings.service, self._security)
        if text:
            yield Notice(
                Verdict.WARNING, "Anyone can read this page", f"{text[:1].upper()}{text[1:]}."
            )

    def _metrics(self, accept: str | None) -> tuple[bytes, str]:
        return expose(self._exporter, self._registry, accept)

    def _not_ready(self) -> str:
        if self._first_round.is_set():
            return self._own.alerting_problem()
        missing = self._rounds.pending
        return f"{len(missing)} checks have not run yet" if self._checks else "starting"

    def _reading(self) -> SelfSnapshot:
        outcome, beat = self.reloader.outcome, self._heartbeat
        return SelfSnapshot(
            checks=len(self._checks),
            skipped=self._schedule.skipped,
            missed=self._schedule.missed,
            pending_closings=self._context.closing.pending,
            history=self._history.state if self._history is not None else None,
            config_ok=outcome.ok,
            config_changed=outcome.changed,
            alerts=self._alarm.counts,
            messages_waiting=self._alarm.waiting,
            messages_refused=self._alarm.refused,
            peers=self._alarm.fleet.reading,
            heartbeat_at=beat.last_success or 0.0,
            heartbeat_failures=beat.failures,
            task_failures=self._supervisor.failures,
            shortages=dict(self._own.shortages.counts),
            clock_steps=self._own.clock_watch.steps,
            log_lines_dropped=dropped(),
            notifications_failed={
                name: health.failed for name, health in self._alarm.delivery.items()
            },
            consumer_errors=self._isolation.errors,
            refused_logins=self._server.refused_logins,
        )
