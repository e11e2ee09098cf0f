"""What the pages show: the overview, the metrics, the runbooks, and whether the probe is ready."""

import asyncio
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry

from probe.core.model import Verdict
from probe.daemon.parts import DaemonState, Parts
from probe.daemon.reload import Reloader
from probe.daemon.schedule import Schedule
from probe.daemon.self_monitoring.target_info import TargetInfo
from probe.daemon.serving.board_source import PastFigures, build_board, past_figures
from probe.daemon.serving.paced import PacedQuery
from probe.daemon.serving.site_source import SiteSource
from probe.daemon.serving.status_notices import config_notices, notices_of
from probe.daemon.serving.status_overview import build_overview
from probe.daemon.serving.web_access import exposure_of
from probe.daemon.serving.web_server import RunbookPages
from probe.metrics.exporter import expose_in_turns
from probe.report.board import StatusBoard
from probe.report.html.public_page import DEFAULT_TITLE, PublicBranding
from probe.report.status import Notice, Overview
from probe.web.pages import PageData
from probe.web.security import WebSecurity
from probe.web.site.public_site import PublicSite

FRESH_SECONDS = 1.0


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
        self._public: PublicSite | None = None
        self._figures = PacedQuery(self._past_figures, clock, self._prepare)
        self._made: asyncio.Task[StatusBoard] | None = None
        self._made_at, self._made_of = 0.0, -1

    def page_data(self) -> PageData:
        """The functions that the web server calls."""
        runbooks = RunbookPages(lambda: self._parts.alerts.pipeline.config.runbooks)
        site = SiteSource(
            self._parts, self._state, self.board, self._revision, runbooks.page, runbooks.titles
        )
        return PageData(
            self._overview,
            self._revision,
            self._metrics,
            runbooks.page,
            self._not_ready,
            self._parts.own.stuck,
            runbooks.titles,
            self.board,
            site.data(),
            self.public_site(),
        )

    def public_site(self) -> PublicSite:
        """The public status page, on a port of its own or with the other pages."""
        if self._public is None:
            public = self._state.settings.service.public
            branding = PublicBranding(public.title or DEFAULT_TITLE, public.logo, public.links)
            self._public = PublicSite(self.board, self._revision, branding, public.path)
        return self._public

    async def _overview(self) -> Overview:
        state, parts = self._state, self._parts
        if state.history is None:
            raise RuntimeError("the daemon is not running")
        now, clock = self._now(), self._clock()
        runs = {name: self._schedule.next_run_at(name) for name in state.checks}
        due = {name: now + (run - clock) for name, run in runs.items() if run is not None}
        return build_overview(
            parts.states,
            state.history,
            state.plan,
            parts.identity,
            (await self._figures.get()).day,
            now=now,
            due=due,
            outdated=parts.triggers.outdated(parts.states.states),
            notices=tuple(self._notices()),
        )

    async def board(self) -> StatusBoard:
        """The board, at most a second old, and newer than the last change."""
        now, revision = self._clock(), self._revision()
        fresh = now - self._made_at < FRESH_SECONDS and revision == self._made_of
        if self._made is None or not fresh:
            self._made_at, self._made_of = now, revision
            self._made = asyncio.ensure_future(self._build())
        return await asyncio.shield(self._made)

    async def _build(self) -> StatusBoard:
        state, overview = self._state, await self._overview()
        if state.history is None:
            raise RuntimeError("the daemon is not running")
        windows = self._parts.alerts.pipeline.config.windows
        figures = (await self._figures.get()).uptime
        return await build_board(overview, state.plan.checks, state.history, windows, figures)

    async def _prepare(self) -> None:
        if self._state.history is not None:
            await self._state.history.prepare_recent(self._now())

    async def _past_figures(self) -> PastFigures:
        if self._state.history is None:
            raise RuntimeError("the daemon is not running")
        return await past_figures(self._state.history, self._state.plan.checks, self._now())

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
        history = self._state.history
        kept = history.revision if history is not None else 0
        return self._state.revision + self._reloader.readings + kept

    async def _metrics(self, accept: str | None) -> tuple[bytes, str]:
        return await expose_in_turns(self._parts.exporter, self._registry, accept)

    def _not_ready(self) -> str:
        if self._state.first_round.is_set():
            return self._parts.own.alerting_problem()
        pending = self._parts.readiness.pending
        return f"{len(pending)} checks have not run yet" if self._state.checks else "starting"
