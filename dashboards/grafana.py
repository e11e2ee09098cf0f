"""Dashboards as classic Grafana JSON of schema 42, which every Grafana imports.

Panels name no datasource of their own making: a variable chooses one, so that the same
file serves a Prometheus of one's own and Fly's managed Grafana.
"""

import json
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from dashboards.grafana_panels import SOURCE, grafana_panel
from dashboards.model import Dashboard, DashboardRow

TAG = "probe"
_IS_CHECK = "probe_interval_seconds"


def as_json(board: Dashboard) -> str:
    """A dashboard's file."""
    built = _dashboard(board).build()
    document = json.loads(json.dumps(built, cls=JSONEncoder))
    for number, panel in enumerate(document.setdefault("panels", []), 1):
        panel["id"] = number
    for hidden in (*document["links"], *document["annotations"]["list"]):
        # Links are there to be seen, not to be looked for in a menu.
        hidden.pop("placement", None)
    # Grafana numbers what it imports; the SDK leaves out what is nothing.
    return json.dumps({"id": None, **document}, indent=1, ensure_ascii=False) + "\n"


def _dashboard(board: Dashboard) -> dashboard.Dashboard:
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .time("now-6h", "now")
        .refresh("1m")
        .timezone("browser")
        .editable()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
    )
    for variable in _variables(board):
        made.with_variable(variable)
    made.link(
        dashboard.DashboardLink("Probe")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(True)
        .keep_time(True)
    )
    for annotation in _annotations():
        made.annotation(annotation)
    for row in board.rows:
        _add_row(made, row)
    return made


def _add_row(made: dashboard.Dashboard, row: DashboardRow) -> None:
    made.with_row(dashboard.Row(row.title))
    for panel in row.panels:
        made.with_panel(grafana_panel(panel))


def _variables(board: Dashboard) -> list[Any]:
    found: list[Any] = [
        dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .description("A Prometheus that scrapes the probes.")
        .type("prometheus")
    ]
    wanted = [("region", "Region", ""), ("check", "Check", 'region=~"$region"')]
    if board.providers:
        wanted.append(("provider", "Provider", 'provider!=""'))
    for name, label, which in wanted:
        found.append(_variable(name, label, f"label_values({_IS_CHECK}{{{which}}}, {name})"))
    return found


def _variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
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
        # Also what has no such label.
        .all_value(".*")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def _annotations() -> list[dashboard.AnnotationQuery]:
    which = '{region=~"$region", check=~"$check"}'
    return [
        _annotation(
            "Changes of state",
            "red",
            f"changes(probe_success{which}[2m]) > 0",
            "{{check}} changed, seen from {{region}}",
        ),
        _annotation(
            "Starts of a probe",
            "blue",
            "changes(process_start_time_seconds[2m]) * on (job, instance) group_left(region) "
            'probe_build_info{region=~"$region"} > 0',
            "the probe in {{region}} was started",
        ),
    ]


def _annotation(name: str, colour: str, expr: str, title: str) -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(True)
        .icon_color(colour)
        .expr(expr)
        .step("1m")
        .title_format(title)
        .tag_keys("check,region")
    )
