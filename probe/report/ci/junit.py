"""The report as JUnit XML, for CI services that show tests.

A failed check or a limit that is exceeded is a ``failure``, one that could not be measured
an ``error``, what was not checked is ``skipped``.
"""

import math
from datetime import UTC
from xml.etree import ElementTree as ET

from probe.core.model import Status, Verdict
from probe.report.model import Report, ReportRow, RunIncident, SkippedRow
from probe.report.text.impact import facts, impact, incident_by_check
from probe.report.text.phrases import (
    BREACHED,
    figures,
    limit_sentence,
    missed,
    problem,
    retried,
    without_objectives,
)
from probe.report.text.sanitize import clean, without_commands


def render(report: Report) -> str:
    """One test suite with one test case for each check and each thing skipped."""
    suite = ET.Element("testsuite", name="probe")
    _properties(suite, report)
    incidents = incident_by_check(report)
    for row in report.rows:
        suite.append(_case(report, row, incidents.get(row.name)))
    for skipped in report.skipped:
        suite.append(_skipped(skipped))
    # The format's only date has no zone; UTC, like every other date here.
    suite.set("timestamp", report.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    root = ET.Element("testsuites", name="probe")
    for element in (root, suite):
        _count(element, suite, report.duration)
    root.append(suite)
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return without_commands(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n')


def _properties(suite: ET.Element, report: Report) -> None:
    found = {
        "verdict": without_objectives(report.verdict).value,
        "region": report.region,
        "version": report.version,
        **({"impact": "; ".join(map(impact, report.incidents))} if report.incidents else {}),
    }
    properties = ET.SubElement(suite, "properties")
    for name, value in found.items():
        ET.SubElement(properties, "property", name=name, value=clean(value))


def _count(element: ET.Element, suite: ET.Element, duration: float) -> None:
    cases = suite.findall("testcase")
    element.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        if tag == "skipped" and element is not suite:
            # Not an attribute of the root in the schema that Jenkins' xUnit plugin holds files to.
            continue
        element.set(name, str(sum(case.find(tag) is not None for case in cases)))
    element.set("time", _time(duration))


def _case(report: Report, row: ReportRow, incident: RunIncident | None) -> ET.Element:
    name, classname = clean(row.name), clean(f"probe.{row.kind}")
    case = ET.Element("testcase", classname=classname, name=name, time=_time(row.result.duration))
    tag = _tag(report, row)
    if tag:
        failure = row.result.failure
        cause = failure.cause.value if failure else "threshold"
        message = problem(report, row) or without_objectives(row.verdict).value
        ET.SubElement(case, tag, type=cause, message=message).text = _details(report, row, incident)
    lines = [clean(row.target), *figures(report, row)]
    lines += [
        f"retried: {retried(each)}" for each in report.retried if each.result.check == row.name
    ]
    ET.SubElement(case, "system-out").text = "\n".join(lines)
    return case


def _tag(report: Report, row: ReportRow) -> str | None:
    if row.result.status is Status.FAILED or missed(report, row.name, BREACHED):
        return "failure"
    if row.result.status is Status.UNKNOWN or row.verdict is Verdict.UNKNOWN:
        return "error"
    return "failure" if row.verdict in BREACHED else None


def _details(report: Report, row: ReportRow, incident: RunIncident | None) -> str:
    failure = row.result.failure
    lines = [limit_sentence(each) for each in missed(report, row.name, BREACHED)]
    if failure:
        lines = [
            f"phase: {clean(failure.phase)}",
            f"cause: {failure.cause.value}",
            clean(failure.message),
            f"try: {clean(failure.hint)}",
            *lines,
        ]
    if incident is not None:
        lines += [f"{title.lower()}: {text}" for title, text in facts(incident).items()]
    return "\n".join(lines)


def _skipped(row: SkippedRow) -> ET.Element:
    # The reason is the name: a kind can be skipped for several, and names must differ.
    reason = clean(row.reason)
    case = ET.Element("testcase", classname=clean(f"probe.{row.kind}"), name=reason, time="0.000")
    ET.SubElement(case, "skipped", message=reason)
    return case


def _time(seconds: float) -> str:
    return f"{seconds:.3f}" if math.isfinite(seconds) else "0.000"
