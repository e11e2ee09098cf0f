"""The status page: what it says, in which order, and that nothing can break out of it."""

import base64
import hashlib
import re

import pytest
from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.model import Failure, Status, Verdict
from probe.report.board import StatusBoard
from probe.report.html import page
from probe.report.status import Notice, Overview
from tests.report import board_samples as boards
from tests.report import status_samples as samples
from tests.report.html.markup_rules import Reading
from tests.report.html.status_days import ago

MAX_BYTES = 150_000
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
    assert "Not ok, in no incident 1" in said
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


def test_before_the_first_run_nothing_is_reported_as_passing() -> None:
    reading = read(samples.starting())
    assert "? UNKNOWN: 6 checks not run yet" in reading.text
    assert "✓" not in reading.text


def test_what_could_not_be_measured_does_not_count_as_failing() -> None:
    """The headline was "33/35 checks passing, and 2 checks failing" while Fly's token had expired,
    and the tab said "all ok"."""
    overview = samples.all_well()
    first, *others = overview.rows
    unseen = replace(first, verdict=Verdict.UNKNOWN, status=Status.UNKNOWN)
    shown = replace(overview, rows=(unseen, *others))
    said = read(shown).text
    assert "1 check not measured" in said
    assert "failing —" not in said
    assert "1 not measured" in titled(shown)
    assert "all ok" in titled(overview)


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


def services_of(count: int, failing: int = -1) -> StatusBoard:
    """A board of so many pages, each a service of its own, one of which may be down."""
    [one] = [each for each in boards.well().services if each.name == "backend"]
    names = [f"page-{number}" for number in range(count)]
    verdicts = [Verdict.CRITICAL if at == failing else Verdict.OK for at in range(count)]
    found = [
        replace(one, name=name, title=name, verdict=verdict)
        for name, verdict in zip(names, verdicts, strict=True)
    ]
    return replace(boards.well(), services=tuple(found))


def test_many_services_are_folded_behind_those_that_are_not_ok() -> None:
    text = document(services_of(200, failing=150))
    shown, _, folded = text.partition("180 more services</summary>")
    assert shown.count('href="/services/') == page.MAX_SERVICES
    assert shown.index("/services/page-150") < shown.index("/services/page-0")
    assert folded.count('href="/services/') == 180
    assert "/services/page-199" in folded


@pytest.mark.parametrize("count", [1, page.MAX_SERVICES])
def test_few_services_keep_their_order(count: int) -> None:
    text = document(services_of(count, failing=count - 1))
    places = [text.index(f'href="/services/page-{number}"') for number in range(count)]
    assert places == sorted(places)
    assert "more service" not in text
