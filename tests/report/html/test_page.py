"""The status page: what it says, in which order, and that nothing can break out of it."""

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.core.causes import Cause
from probe.core.model import Failure, Status, Verdict
from probe.report.board import StatusBoard
from probe.report.html import check_page, group_page, incident_page, page, public_page
from probe.report.html.filters import CHECKS_ON_A_PAGE, CheckFilter
from probe.report.html.incident_view import view_of
from probe.report.status import Notice, Overview
from tests.report import board_samples as boards
from tests.report import status_samples as samples
from tests.report.html.documents import DOCUMENTS, LOOK
from tests.report.html.markup_rules import Reading, drawings
from tests.report.html.status_days import NOW, ago
from tests.report.html.status_extremes import (
    hostile,
    hostile_board,
    hostile_details,
    hostile_incident,
    many,
    many_board,
)

MOST_BYTES = 150_000
XSS = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>\"' onload='x' &lt;"


def document(of: Overview | StatusBoard, **options: object) -> str:
    """The page's text."""
    board = of if isinstance(of, StatusBoard) else StatusBoard(of)
    return page.render(board, **options)[0]  # type: ignore[arg-type]


def read(of: Overview | StatusBoard, **options: object) -> Reading:
    """The page, as a browser takes it apart."""
    return Reading(document(of, **options))


def titled(shown: Overview | StatusBoard) -> str:
    """What stands on the browser's tab."""
    [title] = [text for place, text in read(shown).within if place[-1:] == ("title",)]
    return title


def cards(board: StatusBoard) -> list[str]:
    """What each incident's card says."""
    return [
        Reading(each).text
        for each in re.findall(r"<article.*?</article>", document(board), re.DOTALL)
    ]


def test_without_an_incident_the_headline_says_what_is_broken_since_when_and_how_much_more() -> (
    None
):
    said = read(samples.outage()).text
    assert "✗ CRITICAL: health: redis is down — since 03:12 UTC (24 min), and 3 more" in said


def test_with_one_it_says_how_much_fails_and_the_card_says_what() -> None:
    said = read(boards.backend_down()).text
    assert "✗ CRITICAL: 3 of 25 checks failing — since 03:12 UTC (24 min)" in said


def test_the_title_carries_verdict_and_number_and_the_region() -> None:
    assert titled(samples.outage()) == "✗ 2 critical · probe lax"
    assert titled(samples.all_well()) == "✓ all ok · probe lax"


def test_a_card_says_what_users_lose_since_when_why_what_to_try_and_who_knows() -> None:
    [card] = cards(boards.backend_down())
    for said in (
        "✗ critical since 03:12 UTC (24 min)",
        "sent to slack, pagerduty; acknowledged by Ana",
        "The backend is down",
        "health: redis is down body, service_down",
        "signaling: no connected event within 10 s",
        "Try Check that the named service is up.",
        "Runbook",
        "deploy 03:05 UTC: backend 1.4.2",
        "3 checks affected",
        "Timeline: 7 events",
        "acknowledged by Ana: on it",
        "Upstash shows no free connections.",
    ):
        assert said in card


def test_one_cause_is_one_card_however_many_checks_fail() -> None:
    [card] = cards(boards.frozen())
    assert card.count("no answer within 10 s connect, deadline") == 1
    assert "25 checks affected" in card


def test_incidents_come_before_services_and_services_before_checks() -> None:
    found = document(boards.backend_down())
    places = [found.index(f'id="{name}-title"') for name in ("incidents", "services", "checks")]
    assert places == sorted(places)


def test_an_alert_that_is_not_sent_says_what_keeps_it_back() -> None:
    board = boards.backend_down()
    quiet = replace(board.open[0], notifications=(), acknowledgements=(), suppressed=("cutover",))
    [card] = cards(replace(board, open=(quiet,)))
    assert "not notified: cutover" in card


def test_what_fails_without_an_alert_is_a_line_of_its_own() -> None:
    said = read(boards.transport_down()).text
    assert "Not ok, without an alert 1" in said
    assert "? unknown metered could not be measured: METERED_API_KEY is not set" in said


def test_a_service_has_its_state_uptime_and_90_days_in_words() -> None:
    found = read(boards.transport_down())
    labels = [each["aria-label"] for each in found.of("svg") if each.get("class") == "days"]
    assert len(labels) == 6
    assert all(label and label.startswith("90 days: 99.") for label in labels)
    assert all("12 days without data" in (label or "") for label in labels)
    assert (
        "TURN: primary ! warning turn-primary-tls: the relay sent none of 10 packets" in found.text
    )


def test_a_turn_provider_has_a_matrix_of_its_transports() -> None:
    found = read(boards.transport_down())
    assert "udp ✓ ok tcp ✓ ok tls ! warning" in found.text
    assert "Transports of TURN: primary" in [each.get("aria-label") for each in found.of("ul")]


def test_checks_are_folded_while_an_incident_is_open() -> None:
    def is_open(board: StatusBoard) -> bool:
        [found] = [each for each in read(board).of("details") if each.get("class") == "all"]
        return "open" in found

    assert not is_open(boards.backend_down())
    assert is_open(boards.well())
    assert "22 ✓ ok" in read(boards.backend_down()).text


def test_the_checks_are_grouped_by_kind_the_broken_ones_first() -> None:
    found = document(samples.outage())
    kinds = re.findall(r"<summary><h3>(\w+)</h3> <span class=\"count\">([^<]*)", found)
    assert kinds == [("turn", "3 checks"), ("http", "2 checks"), ("signaling", "1 check"),
                     ("call", "1 check")]  # fmt: skip
    [_, turns, *_] = found.split('<details class="kind"')
    assert re.findall(r'<div class="check (\w+)', turns) == ["unknown", "warning", "ok"]


def test_a_check_that_has_not_run_says_so_and_when_it_will() -> None:
    said = read(samples.outage()).text
    assert "· not run yet" in said
    assert "next 03:36:36 UTC, every 1 min" in said


def test_before_the_first_run_nothing_is_called_well() -> None:
    reading = read(samples.starting())
    assert "? UNKNOWN: 6 checks not run yet" in reading.text
    assert "✓" not in reading.text


def test_a_missed_objective_moves_nothing_and_is_shown() -> None:
    said = read(samples.all_well()).text
    assert "✓ OK: 6/6 checks passing" in said
    assert "~ objective missed: first byte p95 612 ms is above 500 ms" in said


def test_a_run_that_failed_without_moving_the_verdict_yet_is_shown() -> None:
    row = samples.health()
    why = Failure("connect", Cause.CONNECT_REFUSED, "port 443 refuses", "Is it running?")
    held = replace(row, failure=why, status=Status.FAILED)
    said = read(samples.overview(Verdict.OK, held)).text
    assert "last run failed: port 443 refuses" in said


def test_a_check_that_does_not_run_any_more_is_called_overdue() -> None:
    late = replace(samples.health(), last_run=ago(12.2), due=ago(12))
    assert "overdue by 12 min" in read(samples.overview(Verdict.OK, late)).text


def test_an_older_beginning_comes_with_its_date() -> None:
    old = samples.failed(
        samples.health(), Verdict.CRITICAL, "dns", Cause.DNS_FAILED, "no such name", minutes=1500
    )
    said = read(samples.overview(Verdict.CRITICAL, old)).text
    assert "since 2025-12-31 02:36 UTC (1 d 1 h)" in said


def test_what_was_skipped_is_listed_with_its_reason() -> None:
    assert "fly FLY_API_TOKEN is not set" in read(samples.all_well()).text


def test_notices_lead_on_and_fold_when_there_are_many() -> None:
    notices = [Notice(Verdict.WARNING, f"notice {at}", "words", ago(3)) for at in range(5)]
    row = samples.health()
    reading = read(samples.overview(Verdict.OK, row, notices=notices))
    assert "! warning notice 0 — words — since 03:33 UTC (3 min)" in reading.text
    assert "3 more" in reading.text


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://example.com/a?b=1&c=2", True),
        ("HTTP://example.com/", True),
        ("/runbooks/any-check", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        (" javascript:alert(1)", False),
        ("//example.com", False),
        ("", False),
    ],
)
def test_a_notice_links_to_the_web_only(link: str, shown: bool) -> None:
    notice = Notice(Verdict.WARNING, "Silence ends soon", link=link)
    reading = read(samples.overview(Verdict.OK, samples.health(), notices=[notice]))
    assert (link in [each.get("href") for each in reading.of("a")]) is shown


def test_a_notice_leads_where_no_check_explains_the_verdict() -> None:
    notice = Notice(Verdict.CRITICAL, "No peer hears this probe", "", ago(5))
    said = read(samples.overview(Verdict.CRITICAL, samples.health(), notices=[notice])).text
    assert "✗ CRITICAL: No peer hears this probe — since 03:31 UTC (5 min)" in said


def test_it_refreshes_by_itself_without_scripts_and_can_be_stopped() -> None:
    reading = read(samples.all_well(), refresh=30)
    assert {"http-equiv": "refresh", "content": "30"} in reading.of("meta")
    assert {"data-live": "/events", "data-refresh": "30"}.items() <= reading.of("body")[0].items()
    assert "?refresh=0" in [each.get("href") for each in reading.of("a")]


def test_it_stands_still_when_asked_and_can_be_started() -> None:
    reading = read(samples.all_well(), refresh=None)
    assert not [each for each in reading.of("meta") if each.get("http-equiv")]
    assert "data-live" not in reading.of("body")[0]
    assert "?refresh=60" in [each.get("href") for each in reading.of("a")]


def test_the_other_pages_are_linked_below_the_base() -> None:
    reading = read(samples.all_well(), base="/probe")
    links = {each.get("href") for each in reading.of("a")}
    assert {"/probe/status.json", "/probe/badge.svg", "/probe/metrics"} <= links


def test_the_policy_allows_this_style_our_script_and_nothing_else() -> None:
    text, policy = page.render(boards.backend_down())
    [style] = [text for place, text in Reading(text).within if place[-1:] == ("style",)]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "script-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
    assert "url(" not in style
    assert "@import" not in style


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
    assert len(text.encode()) < MOST_BYTES


def every_page_of(text: str) -> list[str]:
    """Every page, made of this text."""
    board, incident = hostile_board(text), hostile_incident(text)
    incident = replace(incident, ended=None)
    shown = CheckFilter.of_query({"q": text, "kind": text})
    made = [
        page.render(board, steps=lambda _: (text, text)),
        page.render(board, shown=shown),
        check_page.render(
            hostile_details(text), now=NOW, region=text, newest=boards.runs("health")
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
        assert len(found) < MOST_BYTES
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
    assert len(found.encode()) < MOST_BYTES
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
