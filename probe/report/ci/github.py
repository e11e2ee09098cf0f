"""The report for GitHub Actions: annotations on stdout, and a job summary in Markdown.

Annotations are workflow commands, ``::error title=…::…``. GitHub keeps ten of a kind for
a step. Nothing is masked: ``::add-mask::`` would print the very secret.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from probe.core.model import Unit, Verdict
from probe.report.ci.markdown import MAX_SUMMARY, bounded, escaped, mermaid_label
from probe.report.model import Report, ReportRow, RunIncident
from probe.report.text.impact import (
    IMPACT,
    MAX_INCIDENTS,
    RUNBOOK,
    facts,
    impact,
    incident_by_check,
    left_out,
    runbook,
)
from probe.report.text.phrases import (
    MISSED,
    SYMBOLS,
    figures,
    footer,
    headline,
    limit_sentence,
    missed,
    objective_sentence,
    problem,
    skipped_by_reason,
    without_objectives,
)
from probe.report.text.sanitize import clean, cut
from probe.report.text.units import show

__all__ = ["MAX_PER_KIND", "MAX_SUMMARY", "annotations", "summary"]

MAX_PER_KIND = 10
# A diagram of more bars can't be read.
MAX_BARS = 60
_BARS = {Verdict.CRITICAL: "crit, ", Verdict.WARNING: "active, ", Verdict.UNKNOWN: "done, "}

# What stands in angle brackets as a link as it is.
_LINK = re.compile(r"https?://[\w.:/\[\]%?=&~+-]+")

_LEVELS = {
    Verdict.CRITICAL: "error",
    Verdict.WARNING: "warning",
    Verdict.UNKNOWN: "warning",
}


def annotations(report: Report) -> str:
    """One workflow command a line: errors, then warnings, then missed objectives."""
    found: dict[str, list[tuple[str, str]]] = {"error": [], "warning": [], "notice": []}
    incidents = incident_by_check(report)
    for row in report.rows:
        verdict = without_objectives(row.verdict)
        if verdict in _LEVELS:
            title = clean(f"probe: {row.name} is {verdict.value}")
            found[_LEVELS[verdict]].append((title, _explanation(report, row, incidents)))
        for evaluation in missed(report, row.name, (Verdict.OBJECTIVE_MISSED,)):
            title = clean(f"probe: {row.name} misses an objective")
            found["notice"].append((title, limit_sentence(evaluation)))
    lines = [line for level, entries in found.items() for line in _commands(level, entries)]
    return "".join(f"{line}\n" for line in lines)


def summary(report: Report) -> str:
    """The report as Markdown for ``$GITHUB_STEP_SUMMARY``, below GitHub's limit."""
    text = "\n\n".join(block for block in _blocks(report) if block) + "\n"
    return bounded(text)


def _explanation(report: Report, row: ReportRow, incidents: Mapping[str, RunIncident]) -> str:
    failure = row.result.failure
    lines = [problem(report, row) or without_objectives(row.verdict).value]
    if incident := incidents.get(row.name):
        lines += [f"{IMPACT}: {impact(incident)}", f"{RUNBOOK}: {runbook(incident)}"]
    if failure:
        lines.append(f"phase {clean(failure.phase)}, cause {failure.cause.value}")
        lines.append(f"Try: {clean(failure.hint)}")
    return "\n".join(lines)


def _commands(level: str, entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    kept = entries
    if len(entries) > MAX_PER_KIND:
        kept = entries[: MAX_PER_KIND - 1]
        rest = entries[len(kept) :]
        named = "\n".join(title for title, _ in rest)
        kept = [*kept, (f"probe: {len(rest)} more", cut(named, 4000))]
    for title, message in kept:
        yield f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _blocks(report: Report) -> Iterator[str]:
    verdict = without_objectives(report.verdict)
    yield f"### {SYMBOLS[verdict]} {verdict.value.upper()}: {escaped(headline(report))}"
    yield "\n".join(_impacts(report))
    yield _checks(report)
    yield "\n".join(_timeline(report))
    yield "\n".join(_failed(report))
    yield _section("Limits missed", list(_missed(report)))
    yield _section(
        "Not checked",
        [
            f"- **{escaped(kinds)}**: {escaped(reason)}"
            for kinds, reason in skipped_by_reason(report)
        ],
    )
    yield " · ".join(escaped(part) for part in footer(report))


def _impacts(report: Report) -> Iterator[str]:
    for incident in report.incidents[:MAX_INCIDENTS]:
        found = {title: escaped(text) for title, text in facts(incident).items()}
        if _LINK.fullmatch(incident.link):
            found[RUNBOOK] = f"<{incident.link}>"
        lines = "<br>".join(f"**{title}**: {text}" for title, text in found.items())
        yield f"- {SYMBOLS[incident.verdict]} {lines}"
    if more := left_out(report):
        yield f"- {more}"


def _checks(report: Report) -> str:
    lines = ["| | check | target | figures | time |", "|---|---|---|---|---:|"]
    for row in report.rows:
        verdict = without_objectives(row.verdict)
        cells = (
            f"{SYMBOLS[verdict]} {verdict.value}",
            escaped(row.name),
            escaped(row.target),
            " · ".join(escaped(figure) for figure in figures(report, row)),
            show(row.result.duration, Unit.SECONDS),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) if report.rows else ""


def _timeline(report: Report) -> Iterator[str]:
    """When each check ran, as a Mermaid diagram, which GitHub and GitLab draw."""
    rows = report.rows[:MAX_BARS]
    if not rows:
        return
    yield "<details><summary>Timeline</summary>\n"
    yield "```mermaid"
    yield "gantt"
    yield "    dateFormat x"
    yield "    axisFormat %S.%L s"
    for row in rows:
        began = (row.result.started_at - report.started_at).total_seconds()
        start = max(0, round(1000 * began))
        end = start + max(1, round(1000 * row.result.duration))
        tag = _BARS.get(row.verdict, "")
        yield f"    {mermaid_label(row.name)} :{tag}{start}, {end}"
    yield "```\n</details>"


def _failed(report: Report) -> Iterator[str]:
    for row in report.rows:
        failure = row.result.failure
        if failure:
            yield (
                f"- **{escaped(row.name)}**: {escaped(problem(report, row))}"
                f"<br>phase {escaped(failure.phase)}, cause {escaped(failure.cause.value)}"
                f"<br>Try: {escaped(failure.hint)}"
            )


def _missed(report: Report) -> Iterator[str]:
    for row in report.rows:
        for each in missed(report, row.name, MISSED):
            sentence = escaped(objective_sentence(each))
            yield f"- {SYMBOLS[each.verdict]} **{escaped(row.name)}**: {sentence}"


def _section(title: str, lines: Sequence[str]) -> str:
    return "\n".join((f"**{title}**", "", *lines)) if lines else ""
