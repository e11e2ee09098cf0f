"""The table for people. ``python -m tests.report`` writes the approved ones anew."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from probe.core.causes import Cause
from probe.core.model import Evaluation, Limits, LimitSide, Signal, Threshold, Unit, Verdict
from probe.report.model import Report
from probe.report.text import table
from tests.report import samples
from tests.report.__main__ import APPROVED_WIDTHS, approved

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def plain(report: Report, width: int = 80) -> str:
    """The table as a CI log shows it."""
    return table.render(report, colour=False, width=width)


@pytest.mark.parametrize("width", APPROVED_WIDTHS)
@pytest.mark.parametrize("sample", samples.SAMPLES, ids=lambda sample: sample.__name__)
def test_a_table_looks_as_it_was_approved(sample: samples.Sampler, width: int) -> None:
    assert plain(sample(), width) == approved(sample, width).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("report", "first"),
    [
        (samples.all_ok(), "OK  5 of 5 checks passed"),
        (samples.skipped(), "OK  1 of 1 check passed, 2 skipped"),
        (samples.redis_down(), "CRITICAL  health: redis is down (and 1 more)"),
        (samples.slow_page(), "CRITICAL  health: first byte p95 2.0004 s is above 2 s"),
        (samples.report(Verdict.OK), "OK  nothing was checked"),
        (
            replace(samples.unknown(), verdict=Verdict.OK),
            "OK  2 of 3 checks passed, 1 could not be measured",
        ),
        (
            samples.unknown(),
            "UNKNOWN  turn-primary-udp: could not be measured: TURN_USERNAME is not set",
        ),
    ],
)
def test_the_first_line_is_the_verdict_and_what_is_broken(report: Report, first: str) -> None:
    assert plain(report).splitlines()[0] == first


def test_the_headline_names_a_check_with_the_run_s_verdict_before_milder_ones() -> None:
    why = samples.failure("dns", Cause.DNS_FAILED, "no such name")
    mild = samples.broken(samples.health(), Verdict.WARNING, why)
    grave = samples.broken(samples.signaling(), Verdict.CRITICAL, why)
    shown = plain(samples.report(Verdict.CRITICAL, mild, grave))
    assert shown.startswith("CRITICAL  signaling: no such name (and 1 more)\n")


@pytest.mark.parametrize("sample", samples.SAMPLES)
def test_every_check_has_a_word_and_a_symbol_and_not_only_a_colour(
    sample: samples.Sampler,
) -> None:
    lines = plain(sample(), 140).splitlines()
    for row in sample().rows:
        (line,) = [each for each in lines if re.match(rf"\S \w+ +{row.name} ", each)]
        assert line.split()[:2] in (
            ["✓", "ok"],
            ["!", "warning"],
            ["✗", "critical"],
            ["?", "unknown"],
        )


@pytest.mark.parametrize("sample", samples.SAMPLES)
@pytest.mark.parametrize("environment", [{}, {"FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_without_colour_there_is_no_escape_whatever_the_environment_says(
    sample: samples.Sampler, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plain(sample(), 100)
    for name, value in {**environment, "COLUMNS": "33"}.items():
        monkeypatch.setenv(name, value)
    assert "\x1b" not in before
    assert plain(sample(), 100) == before


@pytest.mark.parametrize("sample", samples.SAMPLES)
def test_colour_adds_escapes_and_changes_no_word(
    sample: samples.Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    coloured = table.render(sample(), colour=True, width=80)
    assert "\x1b[" in coloured
    bare = "".join(f"{ESCAPE.sub('', line).rstrip()}\n" for line in coloured.splitlines())
    assert bare == plain(sample())


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("sample", samples.SAMPLES)
def test_no_line_is_wider_than_asked(sample: samples.Sampler, width: int) -> None:
    assert max(cell_len(line) for line in plain(sample(), width).splitlines()) <= width


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 160))
def test_no_text_of_a_target_s_moves_the_cursor_or_breaks_the_width(text: str, width: int) -> None:
    lines = plain(samples.hostile(text), width).split("\n")
    assert max(cell_len(line) for line in lines) <= max(width, table.NARROWEST)
    categories = {unicodedata.category(character) for line in lines for character in line}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_of_a_target_s_sets_a_colour_of_its_own(text: str) -> None:
    coloured = table.render(samples.hostile(f"\x1b[31m{text}[red]"), colour=True, width=80)
    bare = ESCAPE.sub("", coloured)
    assert "\x1b" not in bare
    assert "\\x1b[31m" in bare


def test_markup_of_a_target_s_is_shown_as_it_is() -> None:
    why = samples.failure("body", Cause.BODY_INVALID, "[red]all is well[/red] :tada: [/]")
    row = samples.broken(samples.health(), Verdict.CRITICAL, why)
    assert "[red]all is well[/red] :tada: [/]" in plain(samples.report(Verdict.CRITICAL, row))


def test_a_long_name_is_wrapped_and_a_long_target_loses_its_middle() -> None:
    row = replace(samples.health(), name="n" * 63, target=f"https://{'long.' * 40}example/health")
    shown = plain(samples.report(Verdict.OK, row))
    assert sum(re.sub(r"[^n]", "", line).count("n" * 3) for line in shown.splitlines()) >= 3
    assert re.search(r" https://long\.long\.\S+…\S+/health ", shown)


def test_a_switch_that_should_be_on_is_reported_in_words() -> None:
    hsts = Signal("probe_http_hsts", Unit.BOOLEAN, "HSTS.", column="HSTS")
    threshold = Threshold(hsts, Limits(objective=1.0), bad=LimitSide.BELOW)
    evaluation = Evaluation("health", threshold, {}, 0.0, Verdict.OBJECTIVE_MISSED)
    report = replace(samples.skipped(), evaluations=(evaluation,))
    assert "~ health: probe_http_hsts no, should be yes (objective)" in plain(report)
    assert plain(report).startswith("OK  1 of 1 check passed, 1 objective missed, 2 skipped\n")


def test_limits_without_data_are_counted_where_the_check_itself_passed() -> None:
    assert " · 1 threshold not evaluated · " in plain(samples.all_ok())
    unjudged = Evaluation("health", samples.WAIT, {}, None, Verdict.UNKNOWN)
    assert "not evaluated" not in plain(replace(samples.redis_down(), evaluations=(unjudged,)))
