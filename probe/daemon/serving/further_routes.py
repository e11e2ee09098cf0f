"""The routes beside the pages: the API, badges and feeds, and /probe for Prometheus."""

from collections.abc import Callable

from aiohttp import web

from probe.daemon.parts import DaemonState, Parts
from probe.daemon.reload import Reloader
from probe.daemon.serving.api_source import DaemonApi
from probe.daemon.serving.page_source import PageSource
from probe.daemon.serving.web_server import access_of
from probe.exporter.endpoint import ProbeEndpoint
from probe.exporter.service import ProbeService
from probe.history.incidents.store import new_id
from probe.web.api.application import Api
from probe.web.api.handlers import ApiHandlers
from probe.web.pages import PageData
from probe.web.security import WebSecurity
from probe.web.service_files import ServiceFiles


def further_routes(
    parts: Parts,
    state: DaemonState,
    source: PageSource,
    pages: PageData,
    reloader: Reloader,
    security: WebSecurity,
    *,
    now: Callable[[], float],
    annotated: Callable[[], None],
) -> list[web.RouteDef]:
    """``annotated`` is called when there is a new annotation; ``now`` is the wall clock in seconds
    since 1970."""
    service, access = state.settings.service, access_of(state.settings.service)

    def is_protected() -> bool:
        return access.is_protected or security.is_closed

    data = DaemonApi(parts.alerts, state, source.board, now, annotated, pages.pages.details)
    tokens = (service.api_token, service.web_token)
    api = Api(ApiHandlers(data, new_id), tokens, parts.identity.version)
    files = ServiceFiles(source.board, is_protected, parts.alerts.pipeline.config.public_url)
    return [*_exporter(parts, state, reloader), *api.routes(), *files.routes()]


def _exporter(parts: Parts, state: DaemonState, reloader: Reloader) -> list[web.RouteDef]:
    probes = ProbeService(parts.context, lambda: state.exporter, lambda: state.plan.checks)
    return list(ProbeEndpoint(probes, reloader.reload_now).routes())
