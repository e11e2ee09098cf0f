"""The model of a dashboard, independent of Grafana. Plain frozen values."""

from enum import StrEnum

from msgspec import Struct

# Colours by their names in Grafana.
GREEN, BLUE, YELLOW, ORANGE, RED = "green", "blue", "yellow", "orange", "red"


class PanelType(StrEnum):
    """How a panel draws its queries."""

    LINES = "lines"
    STACK = "stack"
    STATES = "states"
    STAT = "stat"
    BARS = "bars"
    HEAT = "heat"
    TABLE = "table"


class PanelQuery(Struct, frozen=True):
    """PromQL, and what its series are called. ``now``: the newest value alone."""

    expr: str
    legend: str = ""
    now: bool = False


class Panel(Struct, frozen=True):
    """One plot. ``unit`` is Grafana's; ``thresholds`` are (from which value, colour), the first
    from None; ``width`` is in 24ths, ``height`` in Grafana's rows. ``value_mappings`` name values,
    ``link_to`` is the uid of the detailed dashboard of a check. ``decimals`` None: as many as
    Grafana likes. Of a table ``columns`` are names of its columns, in their order, ``links`` the
    columns with an address that is a link on each row. ``empty`` is shown
    instead of "No data"; a table has none, since Grafana writes it into every empty cell."""

    title: str
    description: str
    queries: tuple[PanelQuery, ...] = ()
    unit: str = "short"
    shape: PanelType = PanelType.LINES
    thresholds: tuple[tuple[float | None, str], ...] = ((None, GREEN),)
    width: int = 12
    height: int = 8
    value_mappings: tuple[tuple[float, str, str], ...] = ()
    link_to: str = ""
    least: float | None = None
    most: float | None = None
    interval: str = ""
    decimals: float | None = None
    columns: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    empty: str = ""


class DashboardRow(Struct, frozen=True):
    """Panels below one heading. ``repeat``: once for each value of this variable."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False
    repeat: str = ""


class Dashboard(Struct, frozen=True):
    """One dashboard: ``uid`` is stable and at most 40 characters. ``providers``: it can be
    narrowed to TURN providers and transports; ``services``: it has a variable of services."""

    uid: str
    title: str
    description: str
    rows: tuple[DashboardRow, ...]
    providers: bool = False
    services: bool = False

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, without their rows."""
        return tuple(panel for row in self.rows for panel in row.panels)
