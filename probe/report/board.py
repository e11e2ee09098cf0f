"""What the pages, the API and ``probe status`` show besides the checks: incidents, services,
uptime, announcements.

Rows only, made by the daemon; no engine. Times are wall-clock seconds since 1970 (UTC).
"""

from collections.abc import Mapping

from msgspec import Struct, field

from probe.core.model import Verdict
from probe.history.incidents.model import Annotation, Announcement, Incident
from probe.history.model import ResultRow
from probe.history.uptime.model import SignalSeries, UptimeReport
from probe.report.status import Overview, StatusRow


class TransportRow(Struct, frozen=True):
    """One cell of a provider's matrix: all checks of one transport (``udp``, ``tcp``, ``tls``,
    ``all`` for what a backend issues)."""

    transport: str
    verdict: Verdict | None
    checks: tuple[str, ...]


class ProviderRow(Struct, frozen=True):
    """One TURN provider; ``verdict`` is the worst of its checks, since ``since``."""

    name: str
    verdict: Verdict | None
    since: float | None
    checks: tuple[str, ...]
    transports: tuple[TransportRow, ...]
    uptime: UptimeReport


class ServiceRow(Struct, frozen=True):
    """One service: ``name`` is that of its badge and page, ``title`` is for people.

    ``verdict`` is the worst of its checks (None: none has run), since ``since``. ``providers``
    are there where its checks have a provider.
    """

    name: str
    title: str
    verdict: Verdict | None
    since: float | None
    checks: tuple[str, ...]
    uptime: UptimeReport
    providers: tuple[ProviderRow, ...] = ()
    median: float | None = None
    """The median of the last 24 hours of what its first check plots, in seconds; None where
    that is no time."""


class StatusBoard(Struct, frozen=True):
    """Everything about the present and the last 90 days.

    ``open`` incidents are the worst first, ``recent`` ones over, newest first, of 90 days.
    ``uptime`` is by check, without days. ``announcements`` are those that are not over,
    ``maintenance`` among them. ``annotations`` are of the last seven days, newest first.
    """

    overview: Overview
    open: tuple[Incident, ...] = ()
    recent: tuple[Incident, ...] = ()
    services: tuple[ServiceRow, ...] = ()
    uptime: Mapping[str, UptimeReport] = field(default_factory=dict)
    announcements: tuple[Announcement, ...] = ()
    annotations: tuple[Annotation, ...] = ()

    def service(self, name: str) -> ServiceRow | None:
        """The service of that name, or the one that a check of that name is part of."""
        found = (each for each in self.services if each.name == name)
        return next(found, next((each for each in self.services if name in each.checks), None))


class CheckDetails(Struct, frozen=True):
    """A check's own page: its row, uptime with days, every signal over time, its last runs
    (newest first), and the incidents that it was part of (newest first)."""

    row: StatusRow
    uptime: UptimeReport
    series: tuple[SignalSeries, ...] = ()
    runs: tuple[ResultRow, ...] = ()
    incidents: tuple[Incident, ...] = ()


class SilenceRow(Struct, frozen=True):
    """A silence that has not ended; ``matchers`` are its words as ``probe alerts silence`` takes
    them."""

    id: str
    matchers: tuple[str, ...]
    author: str
    comment: str
    start: float
    end: float
