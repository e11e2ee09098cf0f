"""The configuration of alerting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alerts.notification.route import Route, RouteTable
from alerts.notifier import Notifier
from alerts.runbooks.library import RunbookLibrary
from alerts.silence.maintenance_window import WindowTable


@dataclass(frozen=True)
class AlertingConfig:
    """Receivers, routes and maintenance windows. ``public_url`` and
    ``grafana_url`` are where messages lead to; ``secrets`` are those of the notifiers."""

    region: str
    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    routes: Sequence[Route] = ()
    own_routes: Sequence[RouteTable] = ()
    windows: Sequence[WindowTable] = ()
    public_url: str = ""
    grafana_url: str = ""
    runbooks: RunbookLibrary = field(default_factory=RunbookLibrary)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
