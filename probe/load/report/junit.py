"""A load as JUnit XML: a test case for each objective, and one for each step.

A missed objective and a step with failures is a ``failure``, what could not be decided or
measured an ``error``.
"""

from datetime import UTC
from xml.etree import ElementTree as ET

from probe.core.model import Verdict
from probe.load.report.texts import error_text, headline, objective_text, plan_text, seconds
from probe.load.result import ErrorRow, LoadResult, StepRow, error_rows, step_rows
from probe.load.verdict import ObjectiveResult
from probe.report.text.sanitize import clean, without_commands


def render(result: LoadResult) -> str:
    """One test suite."""
    suite = ET.Element("testsuite", name="probe load")
    properties = ET.SubElement(suite, "properties")
    facts = {
        "verdict": result.verdict.value,
        "target": result.target,
        "plan": plan_text(result.plan),
        "region": result.region,
        "version": result.version,
        "outcome": headline(result),
    }
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=name, value=clean(value))
    suite.extend(_objective(each) for each in result.objectives)
    errors = error_rows(result)
    suite.extend(_step(row, errors) for row in step_rows(result))
    suite.set("timestamp", result.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    root = ET.Element("testsuites", name="probe load")
    for element in (root, suite):
        _count(element, suite, result.statistics.elapsed)
    root.append(suite)
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return without_commands(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n')


def _objective(each: ObjectiveResult) -> ET.Element:
    case = ET.Element("testcase", classname="probe.load.objectives", name=each.name, time="0.000")
    text = objective_text(each)
    if each.verdict is Verdict.OBJECTIVE_MISSED:
        ET.SubElement(case, "failure", type="threshold", message=text)
    elif each.verdict is Verdict.UNKNOWN:
        ET.SubElement(case, "error", type="unknown", message=text)
    else:
        ET.SubElement(case, "system-out").text = text
    return case


def _step(row: StepRow, errors: list[ErrorRow]) -> ET.Element:
    case = ET.Element(
        "testcase", classname="probe.load.steps", name=row.name, time=f"{row.p50 or 0.0:.3f}"
    )
    own = [each for each in errors if each.step == row.name]
    details = "\n".join(error_text(each) for each in own)
    if row.failed:
        message = f"{row.failed} of {row.passed + row.failed} failed"
        ET.SubElement(case, "failure", type=own[0].cause.value, message=message).text = details
    elif row.not_measured:
        message = f"{row.not_measured} could not be measured"
        ET.SubElement(case, "error", type=own[0].cause.value, message=message).text = details
    figures = f"p50 {seconds(row.p50)}, p95 {seconds(row.p95)}, p99 {seconds(row.p99)}"
    ET.SubElement(case, "system-out").text = f"{row.passed} passed; {figures}"
    return case


def _count(element: ET.Element, suite: ET.Element, duration: float) -> None:
    cases = suite.findall("testcase")
    element.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        if tag == "skipped" and element is not suite:
            # Not an attribute of the root in the schema that Jenkins' xUnit plugin holds files to.
            continue
        element.set(name, str(sum(case.find(tag) is not None for case in cases)))
    element.set("time", f"{duration:.3f}")
