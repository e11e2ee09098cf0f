"""Who decides sees each deployment, and which incidents came after it."""

import pytest

from probe.core.model import Unit, Verdict
from probe.report.ci.markdown import escaped
from probe.report.gate import markdown, phrases, text
from probe.report.gate.model import (
    ComparisonRow,
    GateReport,
    GateVerdict,
    GateWindow,
    IncidentRow,
    MarkerRow,
)
from tests.gate.release import DAY, START


def incident_at(start: float) -> IncidentRow:
    return IncidentRow(start, start + 60, 60, Verdict.CRITICAL, ("health",), "deadline", "", 6)


def report(*starts: float, markers: int = 1) -> GateReport:
    return GateReport(
        GateVerdict.ROLL_BACK,
        GateWindow(START, START + DAY, DAY, DAY),
        "lax",
        "0.1.0",
        0.95,
        (),
        incidents=[incident_at(START + start) for start in starts],
        markers=[MarkerRow(START + 3600 + each, f"deploy {each}") for each in range(markers)],
        skipped=[("turn", "no URL"), ("call", "no URL"), ("fly", "no token")],
    )


@pytest.mark.parametrize(
    ("starts", "counted"),
    [
        ((), ""),
        ((0,), ": 1 incident before it, 0 after it"),
        ((0, 1, 3600, 7200), ": 2 incidents before it, 2 after it"),
    ],
)
def test_a_deployment_is_listed_with_the_incidents_around_it(
    starts: tuple[float, ...], counted: str
) -> None:
    found = report(*starts)
    assert phrases.events(found) == [f"{phrases.moment(START + 3600)}: deploy 0{counted}"]
    assert f"\nEvent: {phrases.events(found)[0]}\n" in text.render(found)
    assert f"deploy 0{escaped(counted)}\n" in markdown.render(found)


def test_of_very_many_events_the_newest_are_listed() -> None:
    found = phrases.events(report(markers=100))
    assert len(found) == phrases.MAX_EVENTS
    assert found[-1].endswith("deploy 99")


def test_what_was_not_checked_is_said_once_for_each_reason() -> None:
    shown = text.render(report())
    assert "Not checked: turn, call: no URL.\nNot checked: fly: no token.\n" in shown


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (1.0, 0.975, "-2.5 percentage points"),
        (0.5, 0.51, "+1 percentage point"),
        (0.9, 0.9, "0 percentage points"),
    ],
)
def test_shares_differ_by_points(before: float, after: float, shown: str) -> None:
    row = ComparisonRow("health", "success", Unit.RATIO, before, after)
    assert phrases.difference(row) == shown
