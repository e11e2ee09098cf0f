"""The gate's report as one HTML file without scripts, with its timeline in SVG."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from probe.report.gate import phrases
from probe.report.gate.incident_lines import HEADINGS, incident_lines
from probe.report.gate.lanes import timeline
from probe.report.gate.model import GateReport
from probe.report.html import templates
from probe.report.text.time_format import duration


def render(report: GateReport) -> str:
    """The whole document."""
    verdict, window = phrases.VERDICTS[report.verdict], report.window
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
            "events": phrases.event_parts(report),
            "timeline": timeline(report),
            "tables": list(_tables(report)),
            "lists": list(_lists(report)),
        },
    )


def _tables(report: GateReport) -> Iterator[Mapping[str, Any]]:
    """``bare`` of the first cells need no heading where a row is a paragraph, as on a phone."""
    rows = [
        {"class_": row.decision.value, "cells": (phrases.decision(row), *cells)}
        for row, cells in phrases.objectives(report)
    ]
    header = ("decision", *phrases.OBJECTIVES)
    yield {"title": "Objectives", "header": header, "rows": rows, "bare": 2}
    if report.comparison:
        yield _comparison(report)
    if report.incidents:
        rows = [{"class_": "", "cells": cells} for cells in incident_lines(report)]
        yield {"title": "Incidents", "header": HEADINGS, "rows": rows, "bare": 1}


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
    header = ("differs", "series", "before", "after", "difference", "test")
    return {"title": "Before and after", "header": header, "rows": rows, "bare": 2}


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
        ("Costs", [f"{row.name}: {row.amount}" for row in report.costs]),
        ("Not checked", [f"{kinds}: {why}" for kinds, why in phrases.not_checked(report)]),
        ("Notes", report.notes),
    )
    for title, lines in found:
        if lines:
            yield {"title": title, "lines": lines}
