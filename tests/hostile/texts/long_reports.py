"""What a watch, a load and an examination of a TURN server say, with one text everywhere."""

import json

from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.model import CheckFailed, Unit
from probe.load.measurement.statistics import LoadStatistics
from probe.report.ci import chat
from probe.report.ci.pipeline import CiPipeline
from probe.report.gate.model import (
    ComparisonRow,
    CostRow,
    GapRow,
    GateReport,
    MarkerRow,
)
from probe.turn_report.findings import Finding, FindingStatus
from probe.turn_report.rendering import as_text
from probe.untrusted.text import untrusted
from tests.gate.test_events import report
from tests.hostile.texts.poison import poisoned
from tests.load.test_reports import FORMS, PLAN, result


def watch(text: str) -> GateReport:
    """A watch whose every text is this one."""
    made = replace(
        report(0, 60),
        gaps=(GapRow(1, 2, "asleep"),),
        costs=(CostRow("redis", "12 commands"),),
        markers=(MarkerRow(5, "deploy"),),
        early="enough",
        notes=("a note",),
        comparison=(ComparisonRow("health", "rtt", Unit.SECONDS, 1.0, 2.0, differs=True),),
    )
    kept = {"verdict", "unit", "signal", "version", "test"}
    found: GateReport = poisoned(made, text, kept)
    return found


def announced(text: str) -> str:
    """The end of a watch as a message for Slack, with a commit of anybody's."""
    pipeline = CiPipeline("GitHub", text, text, text, text, "https://github.com/a/b")
    return json.dumps(chat.slack_message(chat.of_gate(watch(text)), pipeline))


def load(form: str, text: str) -> str:
    """A load in one of its forms. One short value: reading a histogram takes as long as its values
    are large, and no text is in it."""
    found = LoadStatistics(PLAN)
    found.passed("session", 1.0, 0.001)
    found.elapsed = PLAN.duration
    found.aborted("session", 30.0, CheckFailed(Cause.DEADLINE, untrusted(text)))
    made = replace(result(found), target=text, region=text, lost=(text,))
    return FORMS[form](made)


def examined(text: str) -> str:
    """What `probe turn` prints."""
    found = Finding("relay", FindingStatus.CRITICAL, text, text, Cause.DEADLINE, text)
    return as_text(text, [found, replace(found, status=FindingStatus.SKIPPED)])
