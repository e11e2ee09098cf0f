"""Our dashboards as Grafana's: classic JSON of schema 42, which every Grafana imports.

Panels name no datasource of their own making: a variable chooses one, so that the same
file serves a Prometheus of one's own and Fly's managed Grafana.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models import prometheus as queries

from dashboards.model import Dashboard, DashboardRow, Panel, PanelQuery, PanelType

TAG = "probe"
_SOURCE = kinds.DataSourceRef(type_val="prometheus", uid="${datasource}")
_IS_CHECK = "probe_interval_seconds"
_HIDDEN = ("Time", "Value", "__name__", "job", "instance")


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
        made.with_panel(_panel(panel))


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
        .description(f"Only these: {label.lower()}s that a probe has.")
        .datasource(_SOURCE)
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
        .datasource(_SOURCE)
        .enable(True)
        .icon_color(colour)
        .expr(expr)
        .step("1m")
        .title_format(title)
        .tag_keys("check,region")
    )


def _target(query: PanelQuery, index: int, shape: PanelType) -> prometheus.Dataquery:
    formats = {
        PanelType.TABLE: queries.PromQueryFormat.TABLE,
        PanelType.HEAT: queries.PromQueryFormat.HEATMAP,
    }
    made = (
        prometheus.Dataquery()
        .datasource(_SOURCE)
        .expr(query.expr)
        .legend_format(query.legend)
        .format(formats.get(shape, queries.PromQueryFormat.TIME_SERIES))
        .ref_id(chr(ord("A") + index) if index < 26 else f"A{index}")
    )
    return made.instant() if query.now else made.range()


def _steps(panel: Panel) -> dashboard.ThresholdsConfig:
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=colour) for value, colour in panel.thresholds])
    )


def _panel(panel: Panel) -> Any:
    made = _SHAPES[panel.shape](panel)
    made.title(panel.title).description(panel.description).span(panel.width).height(panel.height)
    made.datasource(_SOURCE).unit(panel.unit).thresholds(_steps(panel))
    for index, query in enumerate(panel.queries):
        made.with_target(_target(query, index, panel.shape))
    if panel.interval:
        made.interval(panel.interval)
    if panel.words:
        made.mappings([_words(panel)])
    if panel.link_to:
        made.data_links([_drill(panel.link_to)])
    if panel.least is not None:
        made.min(panel.least)
    if panel.most is not None:
        made.max(panel.most)
    return made


def _words(panel: Panel) -> models.ValueMap:
    return models.ValueMap(
        options={
            f"{value:g}": models.ValueMappingResult(text=word, color=colour, index=index)
            for index, (value, word, colour) in enumerate(panel.words)
        }
    )


def _drill(uid: str) -> dashboard.DashboardLink:
    variables = "var-datasource=${datasource}&var-check=${__field.labels.check}"
    return dashboard.DashboardLink("This check").url(
        f"/d/{uid}?{variables}&var-region=${{__field.labels.region}}&${{__url_time_range}}"
    )


def _lines(panel: Panel) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(0)
        .show_points(kinds.VisibilityMode.AUTO)
        .legend(_legend(["lastNotNull", "max"]))
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI))
    )
    if len(panel.thresholds) > 1:
        made.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(kinds.GraphThresholdsStyleMode.DASHED)
        )
    return made


def _legend(figures: list[str]) -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(kinds.LegendDisplayMode.TABLE)
        .placement(kinds.LegendPlacement.BOTTOM)
        .calcs(figures)
    )


def _stack(panel: Panel) -> timeseries.Panel:
    return (
        _lines(panel)
        .fill_opacity(40)
        .stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
    )


def _states(_: Panel) -> statetimeline.Panel:
    return (
        statetimeline.Panel()
        .merge_values(True)
        .show_value(kinds.VisibilityMode.NEVER)
        .row_height(0.8)
        .fill_opacity(80)
        .line_width(0)
        .legend(common.VizLegendOptions().show_legend(False))
    )


def _stat(_: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .reduce_options(_newest())
        .color_mode(kinds.BigValueColorMode.BACKGROUND)
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .text_mode(kinds.BigValueTextMode.VALUE_AND_NAME)
        .orientation(kinds.VizOrientation.AUTO)
    )


def _bars(_: Panel) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .reduce_options(_newest())
        .orientation(kinds.VizOrientation.HORIZONTAL)
        .display_mode(kinds.BarGaugeDisplayMode.BASIC)
        .show_unfilled(True)
    )


def _newest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _heat(panel: Panel) -> heatmap.Panel:
    return (
        heatmap.Panel()
        .calculate(False)
        .y_axis(heatmap.YAxisConfig().unit(panel.unit))
        .color(
            heatmap.HeatmapColorOptions()
            .mode(heat.HeatmapColorMode.SCHEME)
            .scheme("Blues")
            .steps(32)
            .exponent(0.5)
        )
        .cell_gap(1)
        .show_legend()
    )


def _table(_: Panel) -> table.Panel:
    made = table.Panel().show_header(True)
    hide = {"excludeByName": dict.fromkeys(_HIDDEN, True)}
    return made.with_transformation(models.DataTransformerConfig(id_val="organize", options=hide))


_SHAPES: Mapping[PanelType, Callable[[Panel], Any]] = {
    PanelType.LINES: _lines,
    PanelType.STACK: _stack,
    PanelType.STATES: _states,
    PanelType.STAT: _stat,
    PanelType.BARS: _bars,
    PanelType.HEAT: _heat,
    PanelType.TABLE: _table,
}
