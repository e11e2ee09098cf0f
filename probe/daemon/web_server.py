"""The daemon's doors: its pages for people and scrapers, and two for other probes."""

from collections.abc import Awaitable, Callable

from alerts import runbooks
from probe.config.settings import DaemonSettings
from probe.web.access import Access
from probe.web.call_api import Answer, PeerCalls
from probe.web.pages import PageData, Pages, WebServer
from probe.web.verdict_api import Peering

Verdicts = Callable[[bytes], Awaitable[bytes | None]]


def build_server(
    service: DaemonSettings,
    sources: PageData,
    verdicts: Verdicts,
    calls: Answer,
    clock: Callable[[], float],
) -> WebServer:
    """What listens. Without a token there is no door for other probes, who ask for ``verdicts``
    and make ``calls``; ``clock`` is the monotonic clock."""
    access = Access(service.web_user, service.web_password, service.web_token, service.metrics_open)
    token = service.peers.token
    peering = Peering(token, verdicts, clock) if token else None
    callers = PeerCalls(token, calls, clock) if token else None
    return WebServer(Pages(sources, access, peering, callers).app, service.listen)


def runbook(slug: str) -> tuple[str, str] | None:
    """Title and text of a runbook's page; None where there is none."""
    if slug not in runbooks.slugs():
        return None
    found = runbooks.page(slug)
    return found.title, found.text
