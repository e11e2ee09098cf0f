"""Which alerts go to which notifier.

Without routes of one's own, each notifier gets its default severities: a pager
what is critical, a chat both. An own route (``[[route]]`` in ``probe.toml``) says where its
alerts go instead; the first one that matches decides.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field

from alerts.model import Alert, Severity
from alerts.silence.matcher import matches
from probe.core.environment import ConfigProblem
from probe.core.tables.problems import read_entries

logger = logging.getLogger(__name__)

# As in Alertmanager. A critical alert that is certain never waits.
GROUP_WAIT_SECONDS = 15.0
GROUP_INTERVAL_SECONDS = 300.0
REPEAT_INTERVAL_SECONDS = 4 * 3600.0


class Route(Struct, frozen=True):
    """The route to one notifier: its severities, and how often what goes on firing is repeated,
    in seconds. ``deduplicates``: messages with the same key are one incident there, however
    many probes send them.

    ``group_wait`` is how long the first message of a warning waits for others of its incident,
    ``group_interval`` the time between updates. ``resends``: the receiver groups by itself and
    forgets what isn't repeated.
    """

    name: str
    severities: frozenset[Severity]
    remind_seconds: float
    deduplicates: bool = False
    group_wait: float = GROUP_WAIT_SECONDS
    group_interval: float = GROUP_INTERVAL_SECONDS
    resends: bool = False


class RouteTable(BaseModel):
    """An own route: alerts of these severities (none: all) whose check, kind or label is
    among ``matches`` (none: all) go to these notifiers (none: not routed)."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    matches: tuple[str, ...] = ()
    """Check names, kinds or label values, wildcards allowed; without it everything. Example:
    `["frontend"]`"""
    severities: frozenset[Severity] = Field(default_factory=frozenset)
    """Severities; without it both. Example: `["critical"]`"""
    notify: tuple[str, ...]
    """Notifiers that these alerts go to; none with an empty list. Example: `["slack"]`"""
    group_wait: float | None = Field(default=None, ge=0, le=600)
    """Seconds that the first message of a warning waits for others of its incident; default
    15. A critical alert doesn't wait. Example: `30`"""
    group_interval: float | None = Field(default=None, ge=10, le=86400)
    """Seconds between updates of an incident; default 300. A rise in severity doesn't wait.
    Example: `600`"""
    repeat_interval: float | None = Field(default=None, ge=60, le=7 * 86400)
    """Seconds until a message about an incident that goes on is repeated; default 14400.
    Example: `3600`"""

    def timed(self, route: Route) -> Route:
        """The route with this table's times where it gives any. A receiver that groups by
        itself has its own."""
        if route.resends:
            return route
        times = (
            (self.group_wait, route.group_wait),
            (self.group_interval, route.group_interval),
            (self.repeat_interval, route.remind_seconds),
        )
        wait, interval, repeat = (usual if own is None else own for own, usual in times)
        return replace(route, group_wait=wait, group_interval=interval, remind_seconds=repeat)

    def takes(self, alert: Alert) -> bool:
        """Whether an alert takes this route."""
        wanted = not self.severities or alert.severity in self.severities
        return wanted and matches(self.matches, alert)


class Routes:
    """Every notifier that is configured, and the own routes in their order."""

    def __init__(self, notifiers: Sequence[Route], own: Sequence[RouteTable] = ()) -> None:
        self.notifiers = tuple(notifiers)
        self._own = tuple(own)

    def named(self, name: str) -> Route | None:
        """The route to a notifier, if it is configured."""
        return next((route for route in self.notifiers if route.name == name), None)

    def matches(self, alert: Alert, name: str) -> bool:
        """Whether an alert is for a notifier."""
        for table in self._own:
            if table.takes(alert):
                return name in table.notify
        route = self.named(name)
        return route is not None and alert.severity in route.severities

    def of(self, alerts: Sequence[Alert], name: str) -> tuple[Alert, ...]:
        """Those of some alerts that are for a notifier, of thousands as quickly as of few."""
        route = self.named(name)
        if self._own or route is None or not route.severities.issuperset(Severity):
            return tuple(alert for alert in alerts if self.matches(alert, name))
        return tuple(alerts)

    def timed(self, route: Route, alerts: Sequence[Alert]) -> Route:
        """The route with the times of the own route that the most severe of some alerts takes."""
        critical = [alert for alert in alerts if alert.severity is Severity.CRITICAL]
        for alert in (critical or alerts)[:1]:
            for table in self._own:
                if table.takes(alert):
                    return table.timed(route)
        return route

    @property
    def unrouted_severities(self) -> list[Severity]:
        """Severities that are not routed to any notifier: worth a warning at the start."""
        heard = {severity for route in self.notifiers for severity in route.severities}
        for table in self._own:
            if table.notify and not table.matches:
                heard |= table.severities or set(Severity)
        return [severity for severity in Severity if severity not in heard]


def warn_of_unrouted(routes: Routes) -> None:
    """Log every severity whose alerts reach no receiver."""
    for severity in routes.unrouted_severities:
        logger.warning(
            "%s alerts are not routed to any notifier: configure one, or a [[route]]", severity
        )


def read_routes(
    raw: Iterable[Mapping[str, Any]], known: Iterable[str], path: Path
) -> tuple[tuple[RouteTable, ...], list[ConfigProblem]]:
    """The ``[[route]]`` tables of ``probe.toml``, and what is wrong with them.

    ``known`` are the names of the notifiers that there are.
    """
    names = list(known)
    tables, problems = read_entries(raw, RouteTable, "route", path)
    problems += [
        ConfigProblem(
            f'{place}, key "notify"', f"no notifier '{name}'; known are {', '.join(names)}"
        )
        for place, table in tables.items()
        for name in table.notify
        if name not in names
    ]
    return tuple(tables.values()), problems
