"""What socket.io-client in Chromium takes of answers to polls, the check takes."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.browser.odd.compare_signaling import page
from tests.browser.odd.polls.compare import GROUPS, outcome_of_chromium, outcome_of_probe
from tests.browser.odd.polls.rows import OUTCOMES, PollRow, poll_rows, unasked_rows
from tests.browser.odd_rows import differing, documented, kept_outcomes, outcomes, table

ROWS = poll_rows()


@pytest.mark.parametrize(
    "rows", [ROWS[::8], pytest.param(ROWS, marks=pytest.mark.proof)], ids=["short", "all"]
)
async def test_the_check_agrees_with_what_a_page_has(rows: Sequence[PollRow]) -> None:
    assert differing(rows, await outcomes(rows, outcome_of_probe)) == []


@pytest.mark.parts
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS[::20], marks=pytest.mark.proof),
        pytest.param(ROWS, marks=[pytest.mark.nightly, pytest.mark.timeout(1800)]),
    ],
    ids=["short", "all"],
)
async def test_a_page_still_has_the_same(rows: Sequence[PollRow], tmp_path: Path) -> None:
    async with page(tmp_path) as (tab, _):
        found = await outcomes(rows, lambda row: outcome_of_chromium(row, tab))
    assert [row.name for row in rows if (found[row.name] == "ready") != row.is_taken] == []


def test_each_row_has_a_name_of_its_own_and_an_outcome() -> None:
    names = [row.name for row in unasked_rows()]
    assert len({*names}) == len(names)
    assert kept_outcomes(OUTCOMES).keys() == {*names}


def test_the_table_counts_the_rows() -> None:
    expected = table(GROUPS, ROWS)
    assert documented(expected) == expected
