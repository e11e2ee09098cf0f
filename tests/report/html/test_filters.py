"""Checks are filtered by the address: text, state, kind and page."""

import re

import pytest

from probe.report.html import page
from probe.report.html.filters import CheckFilter
from tests.report import board_samples as boards

BOARD = boards.transport_down()


def listed(**query: str) -> list[str]:
    """The names of the checks that such an address shows."""
    found, _ = page.render(BOARD, shown=CheckFilter.of_query(query))
    return re.findall(r'<h4><a href="/checks/([^"]+)"', found)


def test_without_a_filter_all_checks_are_listed() -> None:
    assert sorted(listed()) == sorted(row.name for row in BOARD.overview.rows)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"q": "HEALTH"}, ["health"]),
        ({"q": "primary tls", "kind": "turn"}, ["turn-primary-tls"]),
        ({"state": "unknown"}, ["metered"]),
        ({"state": "failing"}, ["turn-primary-tls", "allocation-primary-tls"]),
        ({"state": "critical"}, []),
        ({"kind": "redis"}, ["redis"]),
        ({"q": "no such check"}, []),
    ],
)
def test_each_part_of_the_filter_leaves_out_what_does_not_match(
    query: dict[str, str], names: list[str]
) -> None:
    assert listed(**query) == names


@pytest.mark.parametrize(
    "query",
    [{"state": "x"}, {"page": "-1"}, {"page": "9" * 99}, {"page": "²"}, {"page": "99"}],
)
def test_what_makes_no_sense_shows_all(query: dict[str, str]) -> None:
    assert len(listed(**query)) == 25


def test_the_form_shows_what_is_filtered_and_how_much_matches() -> None:
    found, _ = page.render(BOARD, shown=CheckFilter.of_query({"q": '"><b>', "kind": "turn"}))
    assert 'value="&#34;&gt;&lt;b&gt;"' in found
    assert '<option value="turn" selected>' in found
    assert "0 checks of 25 match" in found


def test_links_keep_the_filter() -> None:
    shown = CheckFilter.of_query({"q": "turn & call", "state": "ok"})
    found, _ = page.render(BOARD, shown=shown)
    assert 'href="?q=turn+%26+call&amp;state=ok&amp;refresh=0"' in found
