"""HTTP server: pages, metrics, silences, peer API."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from alerts.manager import AlertManager
from alerts.runbooks.library import RunbookLibrary
from alerts.silence.api_v2 import InvalidSilence, document_of, read
from alerts.silence.matcher import about, matched_checks, matches
from probe.config.daemon_settings import DaemonSettings
from probe.core.context import Context
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.core.kind import Check
from probe.daemon.parts import DaemonState
from probe.daemon.serving.web_access import access_of
from probe.exporter.endpoint import ProbeEndpoint
from probe.exporter.service import ProbeService
from probe.history.incidents.store import new_id
from probe.web.api.application import Api
from probe.web.api.handlers import ApiHandlers
from probe.web.api.source import ApiSource
from probe.web.call_api import Answer, PeerCalls
from probe.web.pages import PageData, Pages, WebServer
from probe.web.security import WebSecurity
from probe.web.silence_api import Refused, Silences
from probe.web.site.public_site import PublicPages, PublicSite
from probe.web.site.service_files import ServiceFiles
from probe.web.verdict_api import Peering

logger = logging.getLogger(__name__)

Verdicts = Callable[[bytes], Awaitable[bytes | None]]


def build_server(
    service: DaemonSettings,
    sources: PageData,
    verdicts: Verdicts,
    calls: Answer,
    silences: Silences,
    clock: Callable[[], float],
    security: WebSecurity,
    routes: Iterable[web.AbstractRouteDef] = (),
) -> WebServer:
    """The server. The peer API (``verdicts`` and ``calls``) exists only with a token; ``clock`` is
    the monotonic clock; ``routes`` are those of the API and of files."""
    public = sources.public
    access = access_of(service)
    if public is not None and public.is_beside_others:
        access = replace(access, open_paths=public.paths)
    token = service.peers.token
    peering = Peering(token, verdicts, clock) if token else None
    callers = PeerCalls(token, calls, clock) if token else None
    pages = Pages(sources, access, peering, callers, silences, security, routes)
    return WebServer(pages, service.listen)


def exporter_routes(
    context: Context, state: DaemonState, reload: Callable[[], Awaitable[str]]
) -> Sequence[web.RouteDef]:
    """The endpoints of a Prometheus exporter."""
    service = ProbeService(context, lambda: state.exporter, lambda: state.plan.checks)
    return ProbeEndpoint(service, reload).routes()


def build_public_server(
    service: DaemonSettings, site: PublicSite, security: WebSecurity
) -> WebServer | None:
    """The server of the public status page, where that has an address of its own."""
    if service.public.listen is None:
        return None
    return WebServer(PublicPages(site, security), service.public.listen)


async def start_public(server: WebServer | None, stack: AsyncExitStack) -> None:
    """Serve the public status page until the stack is left. Raises ConfigurationError if the
    address can't be had."""
    if server is None:
        return
    host, port = server.address
    try:
        await server.start()
    except OSError as error:
        problem = f"can't listen on {host} port {port}: {error.strerror or error}"
        raise ConfigurationError([ConfigProblem("PROBE_STATUS_LISTEN", problem)]) from None
    stack.push_async_callback(server.stop)
    logger.info("the public status page is on %s port %d", *server.address)


def api_routes(
    service: DaemonSettings,
    source: ApiSource,
    security: WebSecurity,
    version: str,
    public_url: str,
) -> list[web.RouteDef]:
    """The API, badges and feeds."""
    access = access_of(service)

    def is_protected() -> bool:
        return access.is_protected or security.is_closed

    api = Api(ApiHandlers(source, new_id), (service.api_token, service.web_token), version)
    files = ServiceFiles(source.board, is_protected, public_url)
    return [*api.routes(), *files.routes()]


class RunbookPages(Struct, frozen=True):
    """The runbooks of the configuration in force, which ``library`` gives."""

    library: Callable[[], RunbookLibrary]

    def page(self, slug: str) -> tuple[str, str] | None:
        """Title and text of a page; None where there is none."""
        found = self.library().page(slug)
        return None if found is None else (found.title, found.text)

    def titles(self) -> list[tuple[str, str]]:
        """Slug and title of every page."""
        return self.library().titles()


class DaemonSilences(Struct, frozen=True):
    """``checks`` are the present ones; ``now`` the wall clock in seconds since 1970."""

    alerts: AlertManager
    checks: Callable[[], Sequence[Check]]
    now: Callable[[], float]

    @property
    def page(self) -> Silences:
        """The functions of the silence API."""
        return Silences(self._all, self._add, self.alerts.expire_silence)

    async def _all(self) -> Sequence[Mapping[str, Any]]:
        now = self.now()
        return [document_of(silence, now) for silence in await self.alerts.read_silences()]

    async def _add(self, document: object) -> Mapping[str, Any]:
        try:
            silence = read(document, self.now())
        except InvalidSilence as error:
            raise Refused(str(error)) from None
        checks = matched_checks(silence.matches, self.checks())
        alerts = [
            str(alert.identity) for alert in self.alerts.firing if matches(silence.matches, alert)
        ]
        if not checks and not alerts:
            raise Refused(f"{about(silence.matches)} matches no check and no alert")
        problem = await self.alerts.add_silence(silence)
        stored: dict[str, Any] = {"problem": problem} if problem else {}
        return {"silenceID": silence.name, "checks": checks, "alerts": alerts, **stored}
