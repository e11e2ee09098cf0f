"""One message about a deployment for a chat: status, commit, author, run, what fails and why.

Slack's blocks (https://docs.slack.dev/reference/block-kit/blocks): 50 at most, a section's text of
3,000 characters at most.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from probe.core.model import Verdict
from probe.report.ci.pipeline import CiPipeline
from probe.report.gate import phrases as gate_phrases
from probe.report.gate.model import GateReport, GateVerdict
from probe.report.model import Report
from probe.report.text.impact import MAX_INCIDENTS, STEP, facts
from probe.report.text.phrases import headline, problem, without_objectives
from probe.report.text.sanitize import clean, cut

MAX_LINES, MAX_LINE, MAX_SECTION = 15, 300, 2900
_SIGNS = {
    Verdict.OK: ":white_check_mark:",
    Verdict.WARNING: ":warning:",
    Verdict.CRITICAL: ":x:",
    Verdict.UNKNOWN: ":grey_question:",
}
_GATE_SIGNS = {
    GateVerdict.GO: ":white_check_mark:",
    GateVerdict.ROLL_BACK: ":x:",
    GateVerdict.NOT_DECIDED: ":grey_question:",
}


class Announced(Struct, frozen=True):
    """What is said: a sign, a title, a sentence, and a line for each thing that fails."""

    sign: str
    title: str
    text: str
    lines: Sequence[str]


def of_run(report: Report) -> Announced:
    """A run of all checks."""
    verdict = without_objectives(report.verdict)
    lines = [
        ", ".join(f"*{title}*: {text}" for title, text in facts(each).items() if title != STEP)
        for each in report.incidents[:MAX_INCIDENTS]
    ]
    for row in report.rows:
        failure = row.result.failure
        if without_objectives(row.verdict) is Verdict.OK:
            continue
        summary = problem(report, row) or row.verdict.value
        cause = f" ({failure.cause.value}, phase {failure.phase})" if failure else ""
        lines.append(f"*{row.name}*: {summary}{cause}")
    title = "Deployment checked" if verdict is Verdict.OK else "Deployment check failed"
    if verdict in (Verdict.WARNING, Verdict.UNKNOWN):
        title = f"Deployment check: {verdict.value}"
    return Announced(_SIGNS[verdict], title, headline(report), lines)


def of_gate(report: GateReport) -> Announced:
    """The end of a watch."""
    title = f"Release gate: {gate_phrases.VERDICTS[report.verdict].lower()}"
    lines = [*gate_phrases.explanation(report)]
    for row in report.incidents:
        when = f"{gate_phrases.moment(row.start)}, {gate_phrases.lasted(row)}"
        lines.append(f"{when}: {gate_phrases.incident(row)}")
    return Announced(_GATE_SIGNS[report.verdict], title, gate_phrases.headline(report), lines)


def slack_message(summary: Announced, pipeline: CiPipeline) -> Mapping[str, Any]:
    """The content for a webhook or ``chat.postMessage``; ``text`` is what a notification shows."""
    about = [
        ("Commit", pipeline.short_commit),
        ("Author", pipeline.author),
        ("Project", " ".join(filter(None, (pipeline.project, pipeline.ref)))),
    ]
    parts = [f"*{name}* {_escaped(value)}" for name, value in about if value]
    if pipeline.url:
        parts.append(f"<{_escaped(pipeline.url)}|the run in {_escaped(pipeline.service)}>")
    blocks = [_section(f"{summary.sign} *{_escaped(summary.title)}*: {_escaped(summary.text)}")]
    if parts:
        blocks.append(_section(" · ".join(parts)))
    if summary.lines:
        blocks.append(_section(_lines(summary.lines)))
    text = f"{summary.title}: {summary.text}"
    return {"text": cut(_escaped(text), MAX_LINE), "blocks": blocks, "unfurl_links": False}


def _section(text: str) -> Mapping[str, Any]:
    """Verbatim: no plain text becomes a link, a channel or a mention."""
    content = {"type": "mrkdwn", "text": cut(text, MAX_SECTION), "verbatim": True}
    return {"type": "section", "text": content}


def _lines(lines: Sequence[str]) -> str:
    kept: list[str] = []
    room = MAX_SECTION - 40
    for line in lines[:MAX_LINES]:
        text = f"• {_escaped(cut(clean(line), MAX_LINE))}"
        if room < len(text) + 1:
            break
        kept.append(text)
        room -= len(text) + 1
    left = len(lines) - len(kept)
    return "\n".join([*kept, *([f"and {left} more"] if left else [])])


def _escaped(text: str) -> str:
    """Slack's three control characters, so that no text of a target is a link or a mention."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
