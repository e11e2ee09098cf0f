"""Dashboards drawn without Grafana, from their files and a Prometheus: the same panels in the
same places, with the answers to their own queries. For looking at, not for measuring.
"""

import html
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.dashboards.scene import asked
from tests.servers.scraping.scraper import Scraper

CELL_W, CELL_H = 56, 34
COLOURS = ("#3274d9", "#e0752d", "#56a64b", "#8f3bb8", "#e02f44", "#b7950b", "#127c7c", "#777777")
NAMED = {"green": "#37872d", "blue": "#3274d9", "yellow": "#e0b400", "orange": "#fa6400"}
NAMED["red"] = "#c4162a"
_UNITS = {"s": " s", "percentunit": " %", "bytes": " B", "cpm": "/min"}

Series = tuple[str, list[tuple[float, float]]]


async def picture(document: Mapping[str, Any], server: Scraper, start: float, end: float) -> str:
    """A dashboard's file as SVG."""
    panels = document["panels"]
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{24 * CELL_W}" '
        f'height="{height * CELL_H + 40}" font-family="sans-serif" font-size="11">',
        f'<rect width="100%" height="100%" fill="#f4f5f5"/><text x="8" y="26" font-size="20">'
        f"{html.escape(document['title'])}</text>",
    ]
    for panel in panels:
        place = panel["gridPos"]
        x, y = place["x"] * CELL_W, 40 + place["y"] * CELL_H
        parts.append(f'<g transform="translate({x},{y})">')
        if panel["type"] == "row":
            parts.append(
                f'<text x="8" y="22" font-size="14">▾ {html.escape(panel["title"])}</text>'
            )
        else:
            series = await answers(panel, server, start, end)
            size = (place["w"] * CELL_W, place["h"] * CELL_H)
            parts.append(_panel(panel, series, size, start, end))
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"])


async def answers(
    panel: Mapping[str, Any], server: Scraper, start: float, end: float
) -> list[Series]:
    """What a panel's own queries give, named as its legend says."""
    found: list[Series] = []
    for target in panel["targets"]:
        expr = asked(target["expr"])
        if target.get("instant"):
            answer = await server.query(expr)
            rows = [(each["metric"], [each["value"]]) for each in answer]
        else:
            step = max((end - start) / 120, 1)
            answer = await server.query_range(expr, start, end, step)
            rows = [(each["metric"], each["values"]) for each in answer]
        for labels, values in rows:
            points = [(float(at), float(value)) for at, value in values]
            name = _named(target.get("legendFormat", ""), labels)
            found.append((name, [each for each in points if math.isfinite(each[1])]))
    return [each for each in found if each[1]]


def _named(legend: str, labels: Mapping[str, str]) -> str:
    if not legend:
        return " · ".join(value for value in labels.values())
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend).strip()


def _panel(
    panel: Mapping[str, Any],
    series: Sequence[Series],
    size: tuple[float, float],
    start: float,
    end: float,
) -> str:
    width, height = size
    head = (
        f'<rect x="3" y="3" width="{width - 6}" height="{height - 6}" fill="white" '
        f'stroke="#ccc"/><text x="10" y="18" font-weight="bold">'
        f"{html.escape(panel['title'])}</text>"
    )
    if not series:
        return head + f'<text x="{width / 2 - 20}" y="{height / 2}" fill="#999">No data</text>'
    if panel["type"] in ("timeseries", "heatmap"):
        return head + _lines(panel, series, size, start, end)
    if panel["type"] == "state-timeline":
        return head + _states(panel, series, size, start, end)
    return head + _list(panel, series, size)


def _shown(value: float, panel: Mapping[str, Any]) -> str:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    for mapping in panel["fieldConfig"]["defaults"].get("mappings", []):
        if (named := mapping["options"].get(f"{value:g}")) is not None:
            return str(named["text"])
    factor = 100 if unit == "percentunit" else 1
    return f"{value * factor:.4g}{_UNITS.get(unit, '')}"


def _colour(value: float, panel: Mapping[str, Any]) -> str:
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    found = steps[0]["color"]
    for step in steps[1:]:
        if value >= step["value"]:
            found = step["color"]
    return NAMED[found]


def _list(panel: Mapping[str, Any], series: Sequence[Series], size: tuple[float, float]) -> str:
    width, height = size
    most = max(abs(points[-1][1]) for _, points in series) or 1
    room = int((height - 30) // 15)
    parts = []
    for index, (name, points) in enumerate(series[:room]):
        y, value = 36 + 15 * index, points[-1][1]
        if panel["type"] == "bargauge":
            long = max(2, (width - 260) * min(1, abs(value) / most))
            parts.append(
                f'<rect x="240" y="{y - 9}" width="{long:.0f}" height="10" '
                f'fill="{_colour(value, panel)}"/>'
            )
        figure = "" if panel["type"] == "table" else _shown(value, panel)
        parts.append(
            f'<text x="10" y="{y}" fill="#333">{html.escape(name[:90])}</text>'
            f'<text x="180" y="{y}" fill="{_colour(value, panel)}" '
            f'font-weight="bold">{figure}</text>'
        )
    return "".join(parts)


def _states(
    panel: Mapping[str, Any],
    series: Sequence[Series],
    size: tuple[float, float],
    start: float,
    end: float,
) -> str:
    width, height = size
    words = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    row = min(18.0, (height - 30) / len(series))
    scale = (width - 190) / (end - start)
    parts = []
    for index, (name, points) in enumerate(series):
        y = 26 + row * index
        parts.append(f'<text x="10" y="{y + row - 4:.1f}" font-size="9">{html.escape(name)}</text>')
        step = max((end - start) / 120, 1)
        for at, value in points:
            colour = NAMED[words.get(f"{value:g}", {"color": "blue"})["color"]]
            parts.append(
                f'<rect x="{180 + (at - start) * scale:.1f}" y="{y:.1f}" '
                f'width="{step * scale + 0.5:.1f}" height="{row - 2:.1f}" fill="{colour}"/>'
            )
    return "".join(parts)


def _highest_sum(series: Sequence[Series]) -> float:
    sums: dict[float, float] = {}
    for _, points in series:
        for at, value in points:
            sums[at] = sums.get(at, 0) + value
    return max(sums.values()) or 1


def _lines(
    panel: Mapping[str, Any],
    series: Sequence[Series],
    size: tuple[float, float],
    start: float,
    end: float,
) -> str:
    width, height = size
    defaults = panel["fieldConfig"]["defaults"]
    steps = [step for step in defaults["thresholds"]["steps"] if step["value"] is not None]
    stacked = "stacking" in defaults.get("custom", {})
    values = [value for _, points in series for _, value in points]
    top = _highest_sum(series) if stacked else max([*values, *(s["value"] for s in steps)]) or 1
    low = min(0, *values)
    foot = height - 14 * min(4, len(series)) - 14

    def at_x(at: float) -> float:
        return 50 + (at - start) / (end - start) * (width - 65)

    def at_y(value: float) -> float:
        return foot - (value - low) / (top - low or 1) * (foot - 32)

    text = 'fill="#777" font-size="9"'
    parts = [
        f'<text x="8" y="{at_y(value):.0f}" {text}>{_shown(value, panel)}</text>'
        for value in (low, top)
    ]
    for step in steps:
        stroke = f'stroke="{NAMED[step["color"]]}" stroke-dasharray="6 4"'
        parts.append(f'<path d="M50 {at_y(step["value"]):.1f}H{width - 15}" {stroke}/>')
    below: dict[float, float] = {}
    for index, (_, points) in enumerate(series):
        drawn = [(at, value + below.get(at, 0.0)) for at, value in points]
        if stacked:
            below |= dict(drawn)
        path = " ".join(f"{at_x(at):.1f},{at_y(value):.1f}" for at, value in drawn)
        stroke = f'fill="none" stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="1.5"'
        parts.append(f'<polyline points="{path}" {stroke}/>')
    return "".join(parts) + _legend(panel, series, foot)


def _legend(panel: Mapping[str, Any], series: Sequence[Series], foot: float) -> str:
    """The first four names below the plot, each with its last value."""
    return "".join(
        f'<text x="12" y="{foot + 14 + 13 * index:.0f}" fill="{COLOURS[index % len(COLOURS)]}">'
        f"{html.escape(name[:60])}  {_shown(points[-1][1], panel)}</text>"
        for index, (name, points) in enumerate(series[:4])
    )
