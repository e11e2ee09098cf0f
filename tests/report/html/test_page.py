"""The status page: what it says, in which order, and that nothing can break out of it."""

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.core.causes import Cause
from probe.core.model import Evaluation, Failure, Status, Verdict
from probe.report.html import page
from probe.report.status import Notice, Overview
from tests.report import status_samples as samples
from tests.report.html.markup_rules import Reading, drawings
from tests.report.html.status_days import ago, spell
from tests.report.html.status_extremes import hostile, many
from tests.report.samples import WAIT

MOST_BYTES = 100_000
XSS = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>\"' onload='x' &lt;"


def read(overview: Overview) -> Reading:
    """The page, as a browser takes it apart."""
    return Reading(page.render(overview)[0])


def titled(overview: Overview) -> str:
    """What stands on the browser's tab."""
    [title] = [text for place, text in read(overview).within if place[-1:] == ("title",)]
    return title


def card_texts(overview: Overview) -> list[str]:
    """What each card says."""
    document, _ = page.render(overview)
    cards = re.findall(r"<article.*?</article>", document)
    return [Reading(each).text for each in cards]


def test_the_headline_says_what_is_broken_since_when_and_how_much_more() -> None:
    said = read(samples.outage()).text
    assert "✗ CRITICAL: health: redis is down — since 03:12 UTC (24 min), and 3 more" in said


def test_the_title_carries_verdict_and_number_and_the_region() -> None:
    assert titled(samples.outage()) == "✗ 2 critical · probe lax"
    assert titled(samples.all_well()) == "✓ all ok · probe lax"


def test_a_card_says_what_where_since_why_and_what_to_try() -> None:
    first, *_ = card_texts(samples.outage())
    for said in (
        "✗ critical health",
        "redis is down",
        "Try: Check that the named service is up",
        "03:12 UTC (24 min)",
        "body, cause service_down",
        "https://paircam.live/health",
        "version 1.4.2 · instance 3d8d9014c03d68",
        "connect 31.1 ms",
        "03:35:54 UTC (6 s ago, took 212 ms); next 03:36:04 UTC, every 10 s",
    ):
        assert said in first


def test_a_breached_limit_is_the_reason_where_nothing_failed() -> None:
    *_, slow = card_texts(samples.outage())
    assert "relay p95 532 ms is above 400 ms" in slow
    assert "Failed in" not in slow


def test_a_failure_does_not_hide_the_limits_that_are_breached_as_well() -> None:
    breached = Evaluation("health", WAIT, {}, 2.5, Verdict.CRITICAL)
    first, *_ = samples.outage().rows[1:]
    [text] = card_texts(samples.overview(Verdict.CRITICAL, replace(first, evaluations=(breached,))))
    assert "redis is down" in text
    assert "✗ critical: first byte p95 2.5 s is above 2 s" in text


def test_what_was_not_measured_is_not_called_failed() -> None:
    _, _, blind, _ = card_texts(samples.outage())
    assert "could not be measured: TURN_USERNAME is not set" in blind


def test_broken_checks_stand_first_critical_before_unknown_before_warning() -> None:
    document, _ = page.render(samples.outage())
    classes = Reading(document).classes("article")
    assert classes == ["card critical", "card critical", "card unknown", "card warning"]
    assert document.index("<article") < document.index('class="check')


def test_of_equally_grave_checks_the_plan_s_first_leads() -> None:
    first, second, *_ = card_texts(samples.outage())
    assert "health" in first
    assert "signaling" in second


def test_the_rest_is_grouped_by_kind() -> None:
    document, _ = page.render(samples.all_well())
    kinds = re.findall(r"<h3>(\w+)<span class=\"count\"> (\d+)", document)
    assert kinds == [("http", "1"), ("signaling", "1"), ("turn", "3"), ("call", "1")]


def test_a_check_that_has_not_run_says_so_and_when_it_will() -> None:
    said = read(samples.outage()).text
    assert "· not run yet" in said
    assert "next 03:36:36 UTC, every 1 min" in said


def test_before_the_first_run_nothing_is_called_well() -> None:
    reading = read(samples.starting())
    assert "? UNKNOWN: 6 checks not run yet" in reading.text
    assert "✓" not in reading.text


def test_a_missed_objective_moves_nothing_and_is_told() -> None:
    said = read(samples.all_well()).text
    assert "✓ OK: 6/6 checks passing" in said
    assert "~ objective missed: first byte p95 612 ms is above 500 ms" in said


def test_a_run_that_failed_without_moving_the_verdict_yet_is_told() -> None:
    row = samples.health()
    why = Failure("connect", Cause.CONNECT_REFUSED, "port 443 refuses", "Is it running?")
    held = replace(row, failure=why, status=Status.FAILED)
    said = read(samples.overview(Verdict.OK, held)).text
    assert "last run failed: port 443 refuses" in said


def test_a_trouble_that_lasts_gives_the_reason_when_the_newest_run_was_well() -> None:
    lasting = spell("health", 24, None, Verdict.CRITICAL, "503 Service Unavailable")
    row = replace(samples.health(), verdict=Verdict.CRITICAL, since=ago(24), troubles=(lasting,))
    assert "health: 503 Service Unavailable" in read(samples.overview(Verdict.CRITICAL, row)).text


def test_a_check_that_nobody_runs_any_more_is_called_overdue() -> None:
    late = replace(samples.health(), last_run=ago(12.2), due=ago(12))
    assert "overdue by 12 min" in read(samples.overview(Verdict.OK, late)).text


def test_an_older_beginning_comes_with_its_date() -> None:
    old = samples.failed(
        samples.health(), Verdict.CRITICAL, "dns", Cause.DNS_FAILED, "no such name", minutes=1500
    )
    said = read(samples.overview(Verdict.CRITICAL, old)).text
    assert "since 2025-12-31 02:36 UTC (1 d 1 h)" in said


def test_troubles_are_listed_with_begin_end_length_and_reason_and_many_are_folded() -> None:
    first, *_ = card_texts(samples.outage())
    assert "✗ critical 03:12:00 to now 24 min body: service_down — redis is down" in first
    assert "20:56:00 to 21:11:00 15 min status: http_status — 503 Service Unavailable" in first
    assert "2 more" in first


def test_the_last_24_hours_stand_in_words_too() -> None:
    first, *_ = card_texts(samples.outage())
    assert (
        "24 hours: 97.8 % of 23 h 14 min available, 1 min unknown, 45 min without data; 4 incidents"
        in first
    )
    assert "first byte: typically 180 ms, at most" in first


def test_what_was_skipped_is_listed_with_its_reason() -> None:
    assert "fly FLY_API_TOKEN is not set" in read(samples.all_well()).text


def test_notices_lead_on_and_fold_when_there_are_many() -> None:
    notices = [Notice(Verdict.WARNING, f"notice {at}", "told", ago(3)) for at in range(5)]
    row = samples.health()
    reading = read(samples.overview(Verdict.OK, row, notices=notices))
    assert "! warning notice 0 — told — since 03:33 UTC (3 min)" in reading.text
    assert "3 more" in reading.text


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://example.com/a?b=1&c=2", True),
        ("HTTP://example.com/", True),
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


def test_it_refreshes_by_itself_and_can_be_stopped() -> None:
    document, _ = page.render(samples.all_well(), refresh=30)
    reading = Reading(document)
    assert {"http-equiv": "refresh", "content": "30"} in reading.of("meta")
    assert "?refresh=0" in [each.get("href") for each in reading.of("a")]


def test_it_stands_still_when_asked_and_can_be_started() -> None:
    reading = Reading(page.render(samples.all_well(), refresh=None)[0])
    assert not [each for each in reading.of("meta") if each.get("http-equiv")]
    assert "?refresh=60" in [each.get("href") for each in reading.of("a")]


def test_the_other_pages_are_linked_below_the_base() -> None:
    reading = Reading(page.render(samples.all_well(), base="/probe")[0])
    links = {each.get("href") for each in reading.of("a")}
    assert {"/probe/status.json", "/probe/badge.svg", "/probe/metrics"} <= links


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    document, policy = page.render(samples.outage())
    [style] = [text for place, text in Reading(document).within if place[-1:] == ("style",)]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert "url(" not in style
    assert "@import" not in style


def test_a_page_is_made_for_screen_readers_too() -> None:
    document, _ = page.render(samples.outage())
    reading = Reading(document)
    names = [each["id"] for _, each in reading.found if "id" in each]
    assert len(names) == len(set(names))
    labels = [each["aria-labelledby"] for _, each in reading.found if "aria-labelledby" in each]
    assert set(labels) <= set(names)
    assert {"lang": "en"} in reading.of("html")
    assert all(len(reading.of(name)) == 1 for name in ("h1", "main", "header", "footer", "title"))
    strips = [each for each in reading.of("svg") if each.get("class") == "strip"]
    assert all(each["role"] == "img" and each["aria-label"] for each in strips)


@pytest.mark.parametrize(
    "text", [XSS, "javascript:alert(1)", "x\u202ey\u2066z", "\x00\x1b[2J\ud800\uffff", "W" * 9999]
)
def test_hostile_text_stays_text(text: str) -> None:
    document, _ = page.render(hostile(text))
    reading = Reading(document)
    drawings(document)
    document.encode()
    assert not set(document) & set("\x00\x1b\u202e\u2066\uffff")
    assert len(document) < MOST_BYTES
    assert "script" not in {tag for tag, _ in reading.found}


def test_long_text_is_shortened_in_the_middle() -> None:
    said = read(hostile("a" * 3000 + "z")).text
    assert "a…a" in said
    assert "a" * 401 not in said


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_anywhere_gives_well_formed_markup(text: str) -> None:
    document, _ = page.render(hostile(text))
    Reading(document)
    drawings(document)


def test_twenty_checks_with_the_busiest_days_are_a_small_page() -> None:
    document, _ = page.render(many(20))
    assert len(document.encode()) < MOST_BYTES


def test_a_thousand_checks_are_one_page() -> None:
    document, _ = page.render(many(1000))
    assert document.count("<article") + document.count('<details class="check') == 1000


def test_an_overview_of_nothing_is_a_page() -> None:
    empty = replace(samples.overview(Verdict.OK), skipped=())
    assert "✓ OK: nothing is checked" in read(empty).text


def test_times_that_no_calendar_has_are_dashes() -> None:
    odd = replace(samples.health(), since=1e30, last_run=float("nan"), due=float("inf"))
    assert "—" in read(samples.overview(Verdict.OK, odd)).text


def test_the_same_overview_gives_the_same_page() -> None:
    assert page.render(samples.outage()) == page.render(samples.outage())


def test_a_line_says_how_old_its_result_is_and_whether_a_neighbour_has_failed_since() -> None:
    first, *others = samples.rows()
    said = read(samples.overview(Verdict.OK, replace(first, outdated=True), *others)).text
    assert "outdated, 6 s ago" in said
    assert "5/6 checks passing, 1 outdated" in said
