"""Every format of a run begins with what users lose, where, and what to do."""

import json
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from probe.core.model import Verdict
from probe.report.ci import chat, github, junit
from probe.report.json import run
from probe.report.model import Report, RunIncident
from probe.report.text import table
from tests.report import samples

INCIDENT = RunIncident(
    Verdict.CRITICAL,
    ("The backend is down", "Users can't connect: signaling fails"),
    ("health", "signaling"),
    ("paircam.live",),
    ("backend",),
    "service-down",
    "",
    ('Does Redis answer? `redis-cli -u "$REDIS_URL" PING`, and then something that is long', "2"),
)
LINK = "https://probe.example/runbooks/service-down"


def reported(*incidents: RunIncident) -> Report:
    return replace(samples.redis_down(), incidents=incidents or (INCIDENT,))


@pytest.mark.parametrize("width", [80, 100])
def test_the_table_says_it_below_its_first_line(width: int) -> None:
    before = table.render(samples.redis_down(), colour=False, width=width).splitlines()
    lines = table.render(reported(), colour=False, width=width).splitlines()
    assert lines[0] == before[0]
    assert max(map(len, lines)) <= width
    head = lines[2 : lines.index("", 2)]
    assert head[0] == "✗ Impact      The backend is down; Users can't connect: signaling fails"
    assert head[1] == "  Where       paircam.live (health, signaling)"
    assert head[2].startswith("  First step  Does Redis answer?")
    assert head[-1] == "  Runbook     `probe runbook service-down`"
    assert [*lines[:1], *lines[1 + len(head) + 1 :]] == before


def test_without_a_terminal_there_is_no_colour() -> None:
    assert "\x1b" not in table.render(reported(), colour=False, width=80)


def test_many_incidents_leave_the_head_short() -> None:
    many = [replace(INCIDENT, checks=(f"page-{number}",)) for number in range(9)]
    text = table.render(reported(*many), colour=False, width=80)
    assert text.count("✗ Impact") == 4
    assert "and 5 more, see below" in text


def test_a_target_can_add_neither_lines_nor_commands() -> None:
    hostile = replace(INCIDENT, losses=("a\n::error::b\x1b[31m",), places=("x\n##[error]y",))
    for text in (
        table.render(reported(hostile), colour=False, width=80),
        github.annotations(reported(hostile)),
        junit.render(reported(hostile)),
    ):
        assert "\x1b" not in text
        assert not any(line.lstrip().startswith(("::error::", "##[")) for line in text.splitlines())


def test_annotations_and_the_job_summary_say_it() -> None:
    report = reported(replace(INCIDENT, link=LINK))
    first = github.annotations(report).splitlines()[0]
    assert first.startswith("::error title=probe%3A health is critical::redis is down%0AImpact: ")
    assert f"Runbook: {LINK}%0A" in first
    summary = github.summary(report)
    assert "**Impact**: The backend is down; Users can't connect" in summary
    assert f"**Runbook**: <{LINK}>" in summary
    assert summary.index("**Impact**") < summary.index("| check |")


def test_junit_says_it_of_each_case_and_of_the_suite() -> None:
    root = ET.fromstring(junit.render(reported()))
    details = root.findtext("testsuite/testcase[@name='health']/failure") or ""
    assert "impact: The backend is down; Users can't connect: signaling fails" in details
    assert "runbook: `probe runbook service-down`" in details
    assert root.find("testsuite/properties/property[@name='impact']") is not None


def test_json_gains_the_incidents() -> None:
    document = json.loads(run.render(reported()))
    assert document["incidents"] == [
        {
            "verdict": "critical",
            "impact": list(INCIDENT.losses),
            "checks": ["health", "signaling"],
            "places": ["paircam.live"],
            "services": ["backend"],
            "runbook": "service-down",
            "runbook_url": None,
            "steps": list(INCIDENT.steps),
        }
    ]


def test_the_message_of_a_deployment_says_it_before_the_checks() -> None:
    lines = chat.of_run(reported()).lines
    assert lines[0].startswith("*Impact*: The backend is down")
    assert lines[1].startswith("*health*: redis is down")
