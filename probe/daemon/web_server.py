"""The daemon's doors: its pages for people and scrapers, and two for other probes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from alerts.runbooks.library import RunbookLibrary
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


@dataclass(frozen=True)
class RunbookPages:
    """The runbooks of the configuration in force, which ``library`` gives."""

    library: Callable[[], RunbookLibrary]

    def page(self, slug: str) -> tuple[str, str] | None:
        """Title and text of a page; None where there is none."""
        found = self.library().page(slug)
        return None if found is None else (found.title, found.text)

    def titles(self) -> list[tuple[str, str]]:
        """Slug and title of every page."""
        return self.library().titles()
