"""The configuration of alerting."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from alerts.notifier import Notifier
from alerts.runbooks.library import RunbookLibrary

if TYPE_CHECKING:
    from alerts.notification.route import Route, RouteTable
    from alerts.silence.window_table import WindowTable

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AlertingConfig:
    """Receivers, routes and maintenance windows. ``public_url`` and
    ``grafana_url`` are where messages lead to; ``secrets`` are those of the notifiers."""

    region: str
    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    routes: "Sequence[Route]" = ()
    own_routes: "Sequence[RouteTable]" = ()
    windows: "Sequence[WindowTable]" = ()
    public_url: str = ""
    grafana_url: str = ""
    runbooks: RunbookLibrary = field(default_factory=RunbookLibrary)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def forgets(self, notifier: str) -> bool:
        """Whether a notifier's service drops what is not repeated to it."""
        found = self.notifiers.get(notifier)
        return found is not None and found.resend_seconds is not None

    def reloaded(self, new: "AlertingConfig") -> "AlertingConfig":
        """A new configuration with the notifiers of this one, to which pending messages are
        addressed."""
        if new.notifiers.keys() != self.notifiers.keys():
            logger.warning("a notifier that is added or removed takes effect after a restart")
        routes_by_name = {route.name: route for route in new.routes}
        # What is open at a receiver that is removed still needs its end.
        routes = tuple(routes_by_name.get(route.name, route) for route in self.routes)
        return replace(new, notifiers=self.notifiers, routes=routes)
