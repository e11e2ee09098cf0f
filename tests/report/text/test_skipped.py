"""What was not checked is listed once for each reason."""

from msgspec.structs import replace

from probe.core.model import Verdict
from probe.report.model import SkippedRow
from probe.report.text.phrases import skipped_by_reason
from probe.report.text.skipped import by_reason
from probe.report.text.table import render
from tests.report.samples import health, report

BACKEND, RELAY = "BACKEND_URL is not set", "TURN_URLS is not set"


def test_kinds_that_are_skipped_for_one_reason_are_one_line() -> None:
    skipped = (
        SkippedRow("http", BACKEND),
        SkippedRow("turn", RELAY),
        SkippedRow("turn", BACKEND),
        SkippedRow("signaling", BACKEND),
        SkippedRow("signaling", BACKEND),
    )
    found = replace(report(Verdict.OK, health()), skipped=skipped)
    assert skipped_by_reason(found) == [("http, turn, signaling", BACKEND), ("turn", RELAY)]
    text = render(found, colour=False, width=80)
    assert f"- http, turn, signaling  {BACKEND}\n- turn                   {RELAY}\n" in text


def test_kinds_that_need_several_lines_stay_next_to_their_dash() -> None:
    """The second line of one entry read as an entry of its own."""
    skipped = tuple(SkippedRow(kind, BACKEND) for kind in ("signaling", "allocation", "engineio"))
    found = replace(report(Verdict.OK, health()), skipped=skipped)
    text = render(found, colour=False, width=60)
    assert [line.rstrip() for line in text.splitlines() if "engineio" in line] == ["  engineio"]


def test_without_anything_skipped_there_is_no_line() -> None:
    assert skipped_by_reason(report(Verdict.OK, health())) == []


def test_what_one_variable_is_for_stands_with_the_kinds() -> None:
    """A run of one page listed BACKEND_URL four times and TURN_URLS three times."""
    skipped = [
        ("http", "BACKEND_URL is not set"),
        ("turn", "BACKEND_URL is not set (credentials that it issues)"),
        ("call", "BACKEND_URL is not set (credentials that it issues)"),
        ("http", "BACKEND_URL is not set"),
        ("resilience", "BACKEND_URL is not set (Socket.IO)"),
        ("fallback", "TURN_URLS is not set: nothing to fall back from"),
    ]
    assert by_reason(skipped) == [
        (
            "http, turn, call (credentials that it issues), resilience (Socket.IO)",
            "BACKEND_URL is not set",
        ),
        ("fallback", "TURN_URLS is not set: nothing to fall back from"),
    ]
