"""The gate's report as one HTML file without scripts, with its timeline in SVG."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from probe.report.gate import phrases
from probe.report.gate.incident_lines import HEADINGS, incident_lines
from probe.report.gate.model import GateReport, TimelineRow
from probe.report.html import templates
from probe.report.text.time_format import clock, duration

_LEFT, _WIDTH, _ROW_HEIGHT, _FOOT = 180, 900, 16, 22
_TICKS = 6


def render(report: GateReport) -> str:
    """The whole document."""
    verdict, window = phrases.VERDICTS[report.verdict], report.window
    lanes = list(report.timeline)
    return templates.render(
        "gate.html",
        {
            "title": verdict,
            "heading": "Release gate",
            "verdict": report.verdict.value,
            "words": f"{verdict}: {phrases.headline(report)}",
            "about": f"From {phrases.moment(window.start)} to {phrases.moment(window.end)}, region "
            f"{report.region}, probe {report.version}, intervals at {100 * report.confidence:g} %. "
            f"{report.early}",
            "reasons": phrases.explanation(report),
            "lanes": [_row(row, place * _ROW_HEIGHT) for place, row in enumerate(lanes)],
            "height": _ROW_HEIGHT * max(len(lanes), 1) + _FOOT,
            "marks": list(_marks(report)),
            "ticks": list(_ticks(report)),
            "tables": list(_tables(report)),
            "lists": list(_lists(report)),
        },
    )


def _row(row: TimelineRow, top: int) -> Mapping[str, Any]:
    width = (_WIDTH - _LEFT) / max(len(row.cells), 1)
    cells, place = [], 0
    for verdict, same in groupby(row.cells):
        count = len(list(same))
        name = verdict.value if verdict else "none"
        x = _LEFT + place * width
        cells.append({"name": name, "x": f"{x:.1f}", "width": f"{count * width:.1f}"})
        place += count
    return {"name": row.check, "top": top, "cells": cells}


def _marks(report: GateReport) -> Iterator[Mapping[str, str]]:
    window = report.window
    for marker in report.markers:
        part = (marker.at - window.start) / window.planned if window.planned > 0 else 0.0
        x = _LEFT + min(max(part, 0.0), 1.0) * (_WIDTH - _LEFT)
        yield {"x": f"{x:.1f}", "text": marker.text}


def _ticks(report: GateReport) -> Iterator[Mapping[str, str]]:
    window = report.window
    for tick in range(_TICKS + 1):
        at = window.start + window.planned * tick / _TICKS
        x = _LEFT + (_WIDTH - _LEFT) * tick / _TICKS
        # The outer ones would be cut off by the edges.
        anchor = {0: "start", _TICKS: "end"}.get(tick, "middle")
        yield {"x": f"{x:.1f}", "anchor": anchor, "text": clock(at, window.start)}


def _tables(report: GateReport) -> Iterator[Mapping[str, Any]]:
    rows = [
        {"class_": row.decision.value, "cells": (phrases.decision(row), *cells)}
        for row, cells in phrases.objectives(report)
    ]
    yield {"title": "Objectives", "header": ("", *phrases.OBJECTIVES), "rows": rows}
    if report.comparison:
        yield _comparison(report)
    if report.incidents:
        rows = [{"class_": "", "cells": cells} for cells in incident_lines(report)]
        yield {"title": "Incidents", "header": HEADINGS, "rows": rows}


def _comparison(report: GateReport) -> Mapping[str, Any]:
    rows = [
        {
            "class_": "missed" if row.differs else "",
            "cells": (
                "≠" if row.differs else "",
                phrases.compared_name(row),
                phrases.compared_value(row.before, row.unit),
                phrases.compared_value(row.after, row.unit),
                phrases.difference(row),
                f"{row.test} {phrases.likelihood(row)}".strip(),
            ),
        }
        for row in report.comparison
    ]
    header = ("", "series", "before", "after", "difference", "test")
    return {"title": "Before and after", "header": header, "rows": rows}


def _lists(report: GateReport) -> Iterator[Mapping[str, Any]]:
    found: Sequence[tuple[str, Sequence[str]]] = (
        ("Incidents", [] if report.incidents else ["None."]),
        ("Without data", [row.name for row in phrases.silent(report)]),
        (
            "Without results",
            [
                f"{phrases.moment(gap.start)}: {duration(gap.duration)} ({gap.reason})"
                for gap in report.gaps
            ],
        ),
        ("Events", phrases.events(report)),
        ("Costs", [f"{row.name}: {row.amount}" for row in report.costs]),
        ("Not checked", [f"{kinds}: {why}" for kinds, why in phrases.not_checked(report)]),
        ("Notes", report.notes),
    )
    for title, lines in found:
        if lines:
            yield {"title": title, "lines": lines}
