"""What the pages show: the overview, the metrics, the runbooks, and whether the probe is ready."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry

from probe.core.model import Verdict
from probe.daemon.parts import DaemonState, Parts
from probe.daemon.reload import Reloader
from probe.daemon.schedule import Schedule
from probe.daemon.self_monitoring.target_info import TargetInfo
from probe.daemon.serving.board_source import build_board
from probe.daemon.serving.site_source import SiteSource
from probe.daemon.serving.status_notices import config_notices, notices_of
from probe.daemon.serving.status_overview import build_overview
from probe.daemon.serving.web_server import RunbookPages, exposure_of
from probe.metrics.exporter import expose
from probe.report.board import StatusBoard
from probe.report.status import Notice, Overview
from probe.web.pages import PageData
from probe.web.security import WebSecurity


class PageSource:
    """Collects the content of the pages. ``clock`` is the monotonic clock, ``now`` the wall
    clock in seconds since 1970."""

    def __init__(
        self,
        parts: Parts,
        state: DaemonState,
        schedule: Schedule,
        reloader: Reloader,
        registry: CollectorRegistry,
        security: WebSecurity,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._parts, self._state = parts, state
        self._schedule, self._reloader = schedule, reloader
        self._registry, self._security = registry, security
        self._clock, self._now = clock, now
        registry.register(TargetInfo(lambda: state.plan.checks, state.settings.region))

    def page_data(self) -> PageData:
        """The functions that the web server calls."""
        runbooks = RunbookPages(lambda: self._parts.alerts.pipeline.config.runbooks)
        site = SiteSource(
            self._parts, self._state, self._board, self._revision, runbooks.page, runbooks.titles
        )
        return PageData(
            self._overview,
            self._revision,
            self._metrics,
            runbooks.page,
            self._not_ready,
            self._parts.own.stuck,
            runbooks.titles,
            self._board,
            site.data(),
        )

    async def _overview(self) -> Overview:
        state, parts = self._state, self._parts
        if state.history is None:
            raise RuntimeError("the daemon is not running")
        now, clock = self._now(), self._clock()
        runs = {name: self._schedule.next_run_at(name) for name in state.checks}
        due = {name: now + (run - clock) for name, run in runs.items() if run is not None}
        return await build_overview(
            parts.states,
            state.history,
            state.plan,
            parts.identity,
            now=now,
            due=due,
            outdated=parts.triggers.outdated(parts.states.stands),
            notices=tuple(self._notices()),
        )

    async def _board(self) -> StatusBoard:
        state, overview = self._state, await self._overview()
        if state.history is None:
            raise RuntimeError("the daemon is not running")
        windows = self._parts.alerts.pipeline.config.windows
        return await build_board(overview, state.plan.checks, state.history, windows)

    def _notices(self) -> Iterator[Notice]:
        state, parts = self._state, self._parts
        yield from notices_of(parts.alerts, parts.references)
        yield from parts.own.notices()
        yield from self._reloader.notices
        yield from config_notices(state.settings.warnings, state.plan.checks)
        text = exposure_of(state.settings.service, self._security)
        if text:
            yield Notice(
                Verdict.WARNING, "Anyone can read this page", f"{text[:1].upper()}{text[1:]}."
            )

    def _revision(self) -> int:
        return self._state.revision + self._reloader.readings

    async def _metrics(self, accept: str | None) -> tuple[bytes, str]:
        await self._parts.exporter.prepare()
        return expose(self._parts.exporter, self._registry, accept)

    def _not_ready(self) -> str:
        if self._state.first_round.is_set():
            return self._parts.own.alerting_problem()
        pending = self._parts.readiness.pending
        return f"{len(pending)} checks have not run yet" if self._state.checks else "starting"
