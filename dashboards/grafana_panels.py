"""Panels as Grafana's: one builder for each panel type."""

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

from dashboards.model import Panel, PanelQuery, PanelType

SOURCE = kinds.DataSourceRef(type_val="prometheus", uid="${datasource}")
MAX_STATES = 1000.0
_HIDDEN = ("Time", "Value", "__name__", "job", "instance")


def _target(query: PanelQuery, index: int, shape: PanelType) -> prometheus.Dataquery:
    formats = {
        PanelType.TABLE: queries.PromQueryFormat.TABLE,
        PanelType.HEAT: queries.PromQueryFormat.HEATMAP,
    }
    made = (
        prometheus.Dataquery()
        .datasource(SOURCE)
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


def grafana_panel(panel: Panel) -> Any:
    """A panel with its queries, unit, thresholds and links."""
    made = _SHAPES[panel.shape](panel)
    made.title(panel.title).description(panel.description).span(panel.width).height(panel.height)
    made.datasource(SOURCE).unit(panel.unit).thresholds(_steps(panel))
    for index, query in enumerate(panel.queries):
        made.with_target(_target(query, index, panel.shape))
    if panel.empty:
        made.no_value(panel.empty)
    if panel.interval:
        made.interval(panel.interval)
    if panel.decimals is not None:
        made.decimals(panel.decimals)
    if panel.value_mappings:
        made.mappings([_value_mappings(panel)])
    if panel.link_to:
        made.data_links([_drill(panel.link_to), _runs()])
    if panel.least is not None:
        made.min(panel.least)
    if panel.most is not None:
        made.max(panel.most)
    return made


def _value_mappings(panel: Panel) -> models.ValueMap:
    return models.ValueMap(
        options={
            f"{value:g}": models.ValueMappingResult(text=word, color=colour, index=index)
            for index, (value, word, colour) in enumerate(panel.value_mappings)
        }
    )


def _drill(uid: str) -> dashboard.DashboardLink:
    variables = "var-datasource=${datasource}&var-check=${__field.labels.check}"
    return dashboard.DashboardLink("This check").url(
        f"/d/{uid}?{variables}&var-region=${{__field.labels.region}}&${{__url_time_range}}"
    )


def _runs() -> dashboard.DashboardLink:
    """The check's own page, with its last runs and their phases."""
    return (
        dashboard.DashboardLink("Runs of this check")
        .url("${status}checks/${__field.labels.check}")
        .target_blank(True)
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
        # What fails is on no second page.
        .per_page(MAX_STATES)
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


def _table(panel: Panel) -> table.Panel:
    """Several queries are one table, joined by the labels that they share."""
    made = table.Panel().show_header(True)
    if len(panel.queries) > 1:
        made.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    named = [name for name, _ in panel.columns]
    unseen = {*_HIDDEN, *(name for name, _ in panel.links)} - set(named)
    hidden = dict.fromkeys(sorted(unseen), True)
    options = {
        "excludeByName": hidden,
        "indexByName": {name: index for index, name in enumerate(named)},
        "renameByName": {name: title for name, title in panel.columns if title != name},
    }
    made.with_transformation(models.DataTransformerConfig(id_val="organize", options=options))
    if panel.links:
        first = panel.columns[0][1]
        links = [
            dashboard.DashboardLink(title).url(f"${{__data.fields.{name}}}").target_blank(True)
            for name, title in panel.links
        ]
        values = [json.loads(json.dumps(each.build(), cls=JSONEncoder)) for each in links]
        made.override_by_name(first, [models.DynamicConfigValue(id_val="links", value=values)])
    return made


_SHAPES: Mapping[PanelType, Callable[[Panel], Any]] = {
    PanelType.LINES: _lines,
    PanelType.STACK: _stack,
    PanelType.STATES: _states,
    PanelType.STAT: _stat,
    PanelType.BARS: _bars,
    PanelType.HEAT: _heat,
    PanelType.TABLE: _table,
}
