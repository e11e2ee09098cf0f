"""Any text, any size and any clock give a page that can be read."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from probe.core.model import Verdict
from probe.report.board import StatusBoard
from probe.report.html import check_page, group_page, incident_page, page, public_page
from probe.report.html.filters import CHECKS_ON_A_PAGE, CheckFilter
from probe.report.html.incident_view import view_of
from tests.report import board_samples as boards
from tests.report import check_samples, incident_samples
from tests.report import status_samples as samples
from tests.report.html.documents import DOCUMENTS, LOOK
from tests.report.html.markup_rules import Reading, drawings
from tests.report.html.status_days import NOW
from tests.report.html.status_extremes import (
    hostile,
    hostile_board,
    hostile_details,
    hostile_incident,
    many,
    many_board,
)
from tests.report.html.test_page import MAX_BYTES, XSS, document, read


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_page_is_made_for_screen_readers_too(name: str) -> None:
    text, _ = DOCUMENTS[name]()
    reading = Reading(text)
    drawings(text)
    names = [each["id"] for _, each in reading.found if "id" in each]
    assert len(names) == len(set(names))
    labels = [each["aria-labelledby"] for _, each in reading.found if "aria-labelledby" in each]
    assert set(labels) <= set(names)
    assert {"lang": "en"} in reading.of("html")
    assert all(len(reading.of(each)) == 1 for each in ("h1", "main", "header", "title"))
    strips = [each for each in reading.of("svg") if each.get("class") in ("strip", "days")]
    assert all(each["role"] == "img" and each["aria-label"] for each in strips)
    tables = reading.of("table")
    assert all(each.get("aria-label") for each in tables)
    assert all(each.get("scope") for each in reading.of("th"))
    assert len(text.encode()) < MAX_BYTES


def every_page_of(text: str) -> list[str]:
    """Every page, made of this text."""
    board, incident = hostile_board(text), hostile_incident(text)
    incident = replace(incident, ended=None)
    shown = CheckFilter.of_query({"q": text, "kind": text})
    made = [
        page.render(board, steps=lambda _: (text, text)),
        page.render(board, shown=shown),
        check_page.render(
            hostile_details(text), now=NOW, region=text, newest=check_samples.runs("health")
        ),
        group_page.service(board, board.services[0]),
        group_page.provider(board, board.services[0].providers[0]),
        incident_page.render(incident, now=NOW, region=text, steps=lambda _: (text,)),
        incident_page.index([incident], now=NOW, region=text),
        public_page.render(board, replace(LOOK, title=text, links=((text, text),))),
    ]
    return [each for each, _ in made]


@pytest.mark.parametrize(
    "text", [XSS, "javascript:alert(1)", "x\u202ey\u2066z", "\x00\x1b[2J\ud800\uffff", "W" * 9999]
)
def test_hostile_text_stays_text(text: str) -> None:
    for found in every_page_of(text):
        reading = Reading(found)
        drawings(found)
        found.encode()
        assert not set(found) & set("\x00\x1b\u202e\u2066\uffff")
        assert len(found) < MAX_BYTES
        assert [tag for tag, _ in reading.found].count("script") == 1


def test_long_text_is_shortened_in_the_middle() -> None:
    said = read(hostile("a" * 3000 + "z")).text
    assert "a…a" in said
    assert "a" * 501 not in said


@settings(max_examples=8)
@given(st.text(st.characters(exclude_categories=())))
def test_any_text_anywhere_gives_well_formed_markup(text: str) -> None:
    for found in every_page_of(text):
        Reading(found)
        drawings(found)


def test_a_thousand_checks_with_the_busiest_days_are_a_small_page() -> None:
    found = document(many_board(1000))
    assert len(found.encode()) < MAX_BYTES
    assert found.count('<div class="check ') == CHECKS_ON_A_PAGE
    assert "page 1 of 13" in Reading(found).text


def test_every_one_of_a_thousand_checks_is_on_one_of_the_pages() -> None:
    board = StatusBoard(many(1000))
    names = {
        name
        for number in range(1, 14)
        for name in re.findall(
            r'<h4><a href="/checks/([^"]+)"', document(board, shown=CheckFilter(page=number))
        )
    }
    assert names == {row.name for row in board.overview.rows}


def test_an_overview_of_nothing_is_a_page() -> None:
    empty = replace(samples.overview(Verdict.OK), skipped=())
    assert "✓ OK: nothing is checked" in read(empty).text


def test_times_that_no_calendar_has_are_dashes() -> None:
    odd = replace(samples.health(), since=1e30, last_run=float("nan"), due=float("inf"))
    rows = [replace(odd, verdict=verdict) for verdict in (Verdict.CRITICAL, None)]
    assert "since — (" in read(samples.overview(Verdict.CRITICAL, *rows)).text


def test_the_same_board_gives_the_same_page() -> None:
    assert page.render(boards.backend_down()) == page.render(boards.backend_down())


def test_a_line_says_how_old_its_result_is_and_whether_a_neighbour_has_failed_since() -> None:
    first, *others = samples.rows()
    said = read(samples.overview(Verdict.OK, replace(first, outdated=True), *others)).text
    assert "outdated, 6 s ago" in said
    assert "5/6 checks passing, 1 outdated" in said


def test_a_clock_that_was_set_back_makes_no_negative_times() -> None:
    board = boards.backend_down()
    early = replace(board, overview=replace(board.overview, now=board.overview.now - 7200))
    said = read(early).text
    assert not re.search(r"\(-|-\d+ (s|min|h)", said)
    assert view_of(early.open[0]).incident.duration(early.overview.now) == 0.0


@pytest.mark.parametrize(
    ("summary", "value", "limit", "said"),
    [
        ("users depend on the backup", "yes", "should be no", False),
        ("memory usage 99.6 % is above 90 %", "99.6 %", "above 90 %", False),
        ("the queue is long", "40", "above 20", True),
    ],
)
def test_evidence_says_a_value_once_and_never_yes_and_no_without_a_name(
    summary: str, value: str, limit: str, said: bool
) -> None:
    alert = replace(incident_samples.alert(samples.health(), summary, "", ""), value=value)
    incident = incident_samples.incident("backup", [replace(alert, limit=limit)])
    text, _ = incident_page.render(incident, now=NOW, region="lax")
    assert (f"limit {limit}" in text) is said


def test_a_command_in_a_step_is_whole_on_the_page() -> None:
    step = f"Test it: `curl {'-H a ' * 100}https://example.org/`"
    incident = incident_samples.incident(
        "down", [incident_samples.alert(samples.health(), "down", "body", "service_down")]
    )
    text, _ = incident_page.render(incident, now=NOW, region="lax", steps=lambda _: (step,))
    assert "https://example.org/</code>" in text
