"""Annotations and the job summary."""

import re

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.model import Verdict
from probe.report.ci import github
from probe.report.formats import FORMATS, Style
from probe.report.model import Report
from tests.report import samples

ANYTHING = st.text(st.characters(exclude_categories=()))
COMMAND = re.compile(r"::(error|warning|notice) title=[^:,\r\n]*::[^\r\n]*")


def many(number: int, verdict: Verdict) -> Report:
    """A report with so many failed checks."""
    why = samples.failure("connect", Cause.CONNECT_REFUSED, "refused")
    row = samples.broken(samples.health(), verdict, why)
    rows = [replace(row, name=f"health-{each}") for each in range(number)]
    return samples.report(verdict, *rows)


def test_a_good_run_annotates_nothing() -> None:
    assert github.annotations(samples.all_ok()) == ""


def test_a_critical_check_is_an_error_with_phase_cause_and_hint() -> None:
    first, second = github.annotations(samples.redis_down()).splitlines()
    assert first == (
        "::error title=probe%3A health is critical::redis is down"
        "%0Aphase body, cause service_down%0ATry: Check that the named service is up and "
        "that its address in the backend's environment is right."
    )
    assert second.startswith("::error title=probe%3A signaling is critical::no `connected`")


def test_a_warning_is_a_warning_and_a_missed_objective_a_notice() -> None:
    lines = github.annotations(samples.turn_partial()).splitlines()
    assert [line.split()[0] for line in lines] == ["::warning", "::warning", "::notice"]
    assert lines[-1].endswith("::first byte p95 612 ms is above 500 ms")


def test_what_could_not_be_measured_is_a_warning() -> None:
    (line,) = github.annotations(samples.unknown()).splitlines()
    assert line.startswith("::warning title=probe%3A turn-primary-udp is unknown::could not be")


def test_percent_and_properties_are_escaped() -> None:
    why = samples.failure("body", Cause.BODY_INVALID, "100%\r\nof it: wrong, all")
    row = samples.broken(samples.health(), Verdict.CRITICAL, why)
    line = github.annotations(samples.report(Verdict.CRITICAL, replace(row, name="a:b,c%")))
    assert "title=probe%3A a%3Ab%2Cc%25 is critical::100%25  of it: wrong, all%0A" in line


def test_there_are_at_most_ten_of_a_kind_and_the_last_names_the_rest() -> None:
    assert len(github.annotations(many(10, Verdict.CRITICAL)).splitlines()) == 10
    lines = github.annotations(many(200, Verdict.CRITICAL)).splitlines()
    assert len(lines) == 10
    assert lines[-1].startswith("::error title=probe%3A 191 more::probe: health-9 is critical%0A")


@given(ANYTHING)
def test_no_text_breaks_out_of_an_annotation(text: str) -> None:
    lines = github.annotations(samples.hostile(text)).split("\n")
    assert lines.pop() == ""
    assert len(lines) == 2
    assert all(COMMAND.fullmatch(line) for line in lines)
    assert "\x1b" not in "".join(lines)


@given(ANYTHING)
def test_no_text_breaks_out_of_its_place_in_the_summary(text: str) -> None:
    found = github.summary(samples.hostile(text)).split("\n")
    wanted = github.summary(samples.hostile("x")).split("\n")
    assert len(found) == len(wanted)
    for line, like in zip(found, wanted, strict=True):
        for mark in "|`<>*_[]~!\\:":
            assert line.count(mark) == like.count(mark)


def test_the_summary_starts_with_the_verdict_and_what_is_broken() -> None:
    lines = github.summary(samples.redis_down()).splitlines()
    assert lines[0] == "### ✗ CRITICAL: health&#58; redis is down (and 1 more)"
    assert lines[4] == (
        "| ✗ critical | health | https&#58;//paircam.live/health | service&#95;down | 118 ms |"
    )
    assert "- **fly**: FLY&#95;API&#95;TOKEN is not set" in lines


def test_the_summary_of_a_vast_run_stays_below_one_mebibyte_in_whole_lines() -> None:
    text = github.summary(many(20_000, Verdict.CRITICAL))
    assert len(text.encode()) <= 1_000_000
    *_, last_row, _, notice = text.splitlines()
    assert last_row.endswith(" |")
    assert notice == "*The rest is left out: the summary is too long.*"


def test_the_format_prints_annotations_and_a_plain_table() -> None:
    text = FORMATS["github"](samples.redis_down(), Style(colour=True, width=80))
    assert text.startswith("::error title=")
    assert "\nCRITICAL  health: redis is down (and 1 more)\n" in text
    assert "\x1b" not in text


@given(st.sampled_from(["::error::x", "##[error]x", "\n::add-mask::x", "y ::stop-commands::z"]))
def test_a_target_issues_no_command_of_its_own(text: str) -> None:
    output = FORMATS["github"](samples.hostile(text * 9), Style())
    commands = [line for line in output.splitlines() if line.strip().startswith("::")]
    assert len(commands) == 2
    assert all(COMMAND.fullmatch(command) for command in commands)
    table = output.removeprefix("\n".join(commands))
    assert "##[" not in table
