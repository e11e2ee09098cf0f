"""A report of a watch of a day, with everything that a reader decides by."""

from probe.core.model import LimitSide, Unit, Verdict
from probe.report.gate.model import (
    CaseCount,
    ComparisonRow,
    CostRow,
    Decision,
    Estimate,
    GapRow,
    GateReport,
    GateVerdict,
    GateWindow,
    IncidentRow,
    MarkerRow,
    ObjectiveRow,
    TimeCount,
    TimelineRow,
)
from tests.gate.release import DAY, HOUR, START

_OK, _CRITICAL = Verdict.OK, Verdict.CRITICAL
CELLS = 96


def objective(name: str, decision: Decision) -> ObjectiveRow:
    """An objective of the share of runs that pass."""
    return ObjectiveRow(
        name, "success", Unit.RATIO, 0.95, LimitSide.BELOW, decision,
        "37 of 360 bad, 5 % allowed: surely more", Estimate(0.897, 0.862, 0.925),
        CaseCount(360, 37, 18.0), TimeCount(8880, 8000, 9000, 86_340, 4320), -1.06,
    )  # fmt: skip


def lane(check: str, *bad: int, verdict: Verdict | None = _CRITICAL) -> TimelineRow:
    """A check that was ``verdict`` in these quarter hours, and otherwise ok."""
    return TimelineRow(check, tuple(verdict if cell in bad else _OK for cell in range(CELLS)))


def decided(*markers: MarkerRow, planned: float = DAY) -> GateReport:
    """A roll back for calls that fail from 15:00 to 20:00."""
    return GateReport(
        GateVerdict.ROLL_BACK,
        GateWindow(START, START + planned, planned, planned),
        "lax",
        "0.1.0",
        0.95,
        [
            objective("call-success", Decision.MISSED),
            objective("frontend/probe_http_response_seconds", Decision.NOT_DECIDED),
            objective("health/probe_http_response_seconds", Decision.MET),
        ],
        incidents=[
            IncidentRow(
                START + 15 * HOUR, START + 20 * HOUR, 5 * HOUR, _CRITICAL,
                ("call-primary-udp", "call-primary-tcp"), "ice_failed", "no pair answered", 37,
            ),
        ],
        gaps=[GapRow(START + 21 * HOUR, START + 21.5 * HOUR, "this machine was asleep")],
        timeline=[
            lane("health"),
            lane("call-primary-udp", *range(60, 80)),
            lane("frontend", 84, 85, verdict=None),
        ],
        costs=[CostRow("runs", "3,382 of 4 checks")],
        markers=markers,
        comparison=[
            ComparisonRow(
                "health", "probe_http_response_seconds", Unit.SECONDS, 0.1, 0.16,
                "Mann-Whitney", 0.0001, 0.0001, 0.5, differs=True,
            ),
            ComparisonRow("call-primary-udp", "", Unit.RATIO, 0.99, 0.897, "Fisher", 0.1, 0.3),
        ],
        notes=["a note"],
    )  # fmt: skip


DEPLOYED = decided(
    MarkerRow(START + 14.9 * HOUR, "deploy v1.5.0"),
    MarkerRow(START + 15.2 * HOUR, "flag new-matching on"),
)
