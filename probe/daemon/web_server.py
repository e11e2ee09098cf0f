"""The daemon's doors: its pages for people and scrapers, and two for other probes."""

from collections.abc import Awaitable, Callable

from alerts import runbooks
from probe.config.settings import DaemonSettings
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.web.access import Access
from probe.web.call_api import Answer, PeerCalls
from probe.web.exposure import exposure
from probe.web.pages import PageData, Pages, WebServer
from probe.web.security import WebSecurity
from probe.web.verdict_api import Peering
from probe.web.web_config import WebConfigError

Verdicts = Callable[[bytes], Awaitable[bytes | None]]


def build_server(
    service: DaemonSettings,
    sources: PageData,
    verdicts: Verdicts,
    calls: Answer,
    clock: Callable[[], float],
    security: WebSecurity,
) -> WebServer:
    """What listens. Without a token there is no door for other probes, who ask for ``verdicts``
    and make ``calls``; ``clock`` is the monotonic clock."""
    access = Access(service.web_user, service.web_password, service.web_token, service.metrics_open)
    token = service.peers.token
    peering = Peering(token, verdicts, clock) if token else None
    callers = PeerCalls(token, calls, clock) if token else None
    pages = Pages(sources, access, peering, callers, security)
    return WebServer(pages, service.listen)


def security_of(service: DaemonSettings) -> WebSecurity:
    """The web configuration file. Raises ConfigurationError for one that is wrong."""
    try:
        return WebSecurity(service.web_config_file)
    except WebConfigError as error:
        raise ConfigurationError([ConfigProblem("PROBE_WEB_CONFIG_FILE", str(error))]) from None


def exposure_of(service: DaemonSettings, security: WebSecurity) -> str:
    """What to know of pages that everyone can read; empty where that is not so, or meant."""
    has_login = bool(service.web_user or service.web_token or security.is_closed)
    return exposure(service.listen, has_login=has_login, is_meant=service.metrics_open)


def runbook(slug: str) -> tuple[str, str] | None:
    """Title and text of a runbook's page; None where there is none."""
    if slug not in runbooks.slugs():
        return None
    found = runbooks.page(slug)
    return found.title, found.text
