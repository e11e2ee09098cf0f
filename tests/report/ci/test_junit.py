"""JUnit XML."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.report.ci import junit
from probe.report.model import Report
from tests.report import samples
from tests.report.ci.junit_schema import violations


def cases(report: Report) -> dict[str, ET.Element]:
    """The test cases, by name."""
    root = ET.fromstring(junit.render(report).encode())
    return {case.get("name", ""): case for case in root.iter("testcase")}


def test_each_check_is_a_test_case_with_its_kind_and_time() -> None:
    case = cases(samples.all_ok())["turn-primary-udp"]
    assert case.get("classname") == "probe.turn"
    assert case.get("time") == "1.053"
    assert [child.tag for child in case] == ["system-out"]


def test_a_failed_check_is_a_failure_that_says_phase_cause_and_hint() -> None:
    failure = cases(samples.redis_down())["health"].find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("service_down", "redis is down")
    lines = (failure.text or "").splitlines()
    assert lines[:3] == ["phase: body", "cause: service_down", "redis is down"]
    assert lines[3].startswith("try: Check that the named service is up")


def test_a_limit_that_is_exceeded_is_a_failure_and_a_missed_objective_is_not() -> None:
    found = cases(samples.turn_partial())
    failure = found["signaling"].find("failure")
    assert failure is not None
    assert failure.get("message") == "round trip p95 1.2 s is above 1 s"
    assert found["health"].find("failure") is None


def test_what_could_not_be_measured_is_an_error() -> None:
    case = cases(samples.unknown())["turn-primary-udp"]
    error = case.find("error")
    assert error is not None
    assert error.get("type") == "credentials_missing"
    assert case.find("failure") is None


def test_what_was_skipped_is_a_skipped_test_case() -> None:
    case = cases(samples.skipped())["FLY_API_TOKEN is not set"]
    assert case.get("classname") == "probe.fly"
    assert case.find("skipped") is not None


@pytest.mark.parametrize(
    ("report", "counted"),
    [
        (samples.all_ok(), ("5", "0", "0", "0")),
        (samples.redis_down(), ("7", "2", "0", "2")),
        (samples.unknown(), ("3", "0", "1", "0")),
    ],
)
def test_the_suite_counts_its_cases(report: Report, counted: tuple[str, ...]) -> None:
    root = ET.fromstring(junit.render(report).encode())
    names = ("tests", "failures", "errors", "skipped")
    (suite,) = root
    assert tuple(suite.get(name) for name in names) == counted
    assert tuple(root.get(name) for name in names) == (*counted[:3], None)


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_breaks_the_document_or_adds_to_it(text: str) -> None:
    rendered = junit.render(samples.hostile(text))
    expected = junit.render(samples.hostile("x"))
    found, wanted = (ET.fromstring(each.encode()) for each in (rendered, expected))
    assert [each.tag for each in found.iter()] == [each.tag for each in wanted.iter()]
    assert "\x1b" not in rendered
    assert "##[" not in rendered


def test_no_line_is_a_command_to_a_ci_service() -> None:
    lines = junit.render(samples.hostile("::error::x")).splitlines()
    assert not any(line.strip().startswith("::") for line in lines)


def test_the_suite_reports_verdict_region_and_version() -> None:
    root = ET.fromstring(junit.render(replace(samples.all_ok(), region="ams")).encode())
    found = {each.get("name"): each.get("value") for each in root.iter("property")}
    assert found == {"verdict": "ok", "region": "ams", "version": "0.1.0"}


@pytest.mark.parametrize(
    "report",
    [samples.all_ok(), samples.redis_down(), samples.unknown(), samples.skipped()],
)
def test_jenkins_and_gitlab_take_the_document(report: Report) -> None:
    assert [*violations(junit.render(report))] == []
