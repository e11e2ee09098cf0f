"""Dashboards as classic Grafana JSON of schema 42, which every Grafana imports.

Panels name no datasource of their own making: a variable chooses one, so that the same
file serves a Prometheus of one's own and Fly's managed Grafana.
"""

import json
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from dashboards.annotations import annotations
from dashboards.grafana_panels import SOURCE, grafana_panel
from dashboards.model import Dashboard, DashboardRow

TAG = "probe"
COLUMNS = 24
_IS_CHECK = "probe_interval_seconds"


def as_json(board: Dashboard) -> str:
    """A dashboard's file."""
    built = _dashboard(board).build()
    document = json.loads(json.dumps(built, cls=JSONEncoder))
    for number, panel in enumerate(every_panel(document), 1):
        panel["id"] = number
    for hidden in (*document["links"], *document["annotations"]["list"]):
        # Links are there to be seen, not to be looked for in a menu.
        hidden.pop("placement", None)
    # Grafana numbers what it imports; the SDK leaves out what is nothing.
    return json.dumps({"id": None, **document}, indent=1, ensure_ascii=False) + "\n"


def every_panel(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows and panels of a document, those of collapsed rows included."""
    found = []
    for panel in document.setdefault("panels", []):
        found += [panel, *panel.get("panels", [])]
    return found


def _dashboard(board: Dashboard) -> dashboard.Dashboard:
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .time("now-6h", "now")
        .refresh("1m")
        .timezone("browser")
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
    )
    for variable in _variables(board):
        made.with_variable(variable)
    made.link(
        dashboard.DashboardLink("Status page")
        .type(models.DashboardLinkType.LINK)
        .url("${status}")
        .target_blank(True)
    )
    made.link(
        dashboard.DashboardLink("Probe")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(True)
        .keep_time(True)
    )
    for annotation in annotations():
        made.annotation(annotation)
    for row in board.rows:
        _add_row(made, row)
    return made


def _add_row(made: dashboard.Dashboard, row: DashboardRow) -> None:
    made_row = dashboard.Row(row.title)
    if row.repeat:
        made_row.repeat(row.repeat)
    if not row.collapsed:
        made.with_row(made_row)
        for panel in row.panels:
            made.with_panel(grafana_panel(panel))
        return
    made_row.collapsed(True)
    x = y = height = 0
    for panel in row.panels:
        if x + panel.width > COLUMNS:
            x, y, height = 0, y + height, 0
        place = models.GridPos(x=x, y=y + 1, w=panel.width, h=panel.height)
        made_row.with_panel(grafana_panel(panel).grid_pos(place))
        x, height = x + panel.width, max(height, panel.height)
    made.with_row(made_row)


def _variables(board: Dashboard) -> list[Any]:
    found: list[Any] = [
        dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .description("A Prometheus that scrapes the probes.")
        .type("prometheus")
    ]
    job = 'job=~"$job"'
    jobs = '{__name__=~"probe_build_info|probe_pushed_timestamp_seconds"}'
    found.append(_variable("job", "Job", f"label_values({jobs}, job)"))
    found.append(_variable("region", "Region", f"label_values(probe_build_info{{{job}}}, region)"))
    check = f'label_values({_IS_CHECK}{{{job}, region=~"$region"}}, check)'
    found.append(_variable("check", "Check", check))
    if board.providers:
        query = f'label_values({_IS_CHECK}{{{job}, provider!=""}}, provider)'
        # Also what belongs to no provider.
        found.append(_variable("provider", "Provider", query, ".*"))
        query = f'label_values({_IS_CHECK}{{{job}, transport!=""}}, transport)'
        found.append(_variable("transport", "Transport", query))
    if board.services:
        query = f"label_values(probe_check_info{{{job}}}, service)"
        found.append(_variable("service", "Service", query))
    found.append(_status_url(f"label_values(probe_links_info{{{job}}}, status_url)"))
    return found


def _status_url(query: str) -> dashboard.QueryVariable:
    """A variable that links use and people don't see."""
    return (
        dashboard.QueryVariable("status")
        .label("Status")
        .description("Address of the probe's own pages.")
        .datasource(SOURCE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .hide(models.VariableHide.HIDE_VARIABLE)
    )


def _variable(name: str, label: str, query: str, all_value: str = ".+") -> dashboard.QueryVariable:
    """By default "all" leaves out what has no such label: it is no probe's, but that of a
    blackbox_exporter next to it."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .description(f"Filter by {label.lower()}s that a probe has.")
        .datasource(SOURCE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(all_value)
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )
