"""What a page in Chromium has of two thousand odd servers, ``signaling`` has, and nothing else."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.browser.odd.battery.compare import (
    GROUPS,
    outcome_of_chromium,
    outcome_of_probe,
    with_outcome,
)
from tests.browser.odd.battery.rows import Row, signaling_rows, websocket_rows
from tests.browser.odd.compare_signaling import page
from tests.browser.odd_rows import differing, outcomes, table

PAGE = Path(__file__).parents[4] / "docs" / "browser.md"
ROWS = (*websocket_rows(), *signaling_rows())


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[::40],
        pytest.param(ROWS[::4], marks=pytest.mark.proof),
        pytest.param(ROWS, marks=[pytest.mark.nightly, pytest.mark.timeout(1800)]),
    ],
    ids=["short", "long", "all"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_the_check_agrees_with_what_a_page_made_of_it(rows: Sequence[Row]) -> None:
    assert differing(rows, await outcomes(rows, outcome_of_probe)) == []


@pytest.mark.parts
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS[::40], marks=pytest.mark.proof),
        pytest.param(ROWS, marks=[pytest.mark.nightly, pytest.mark.timeout(3600)]),
    ],
    ids=["short", "all"],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_page_in_chromium_still_makes_the_same_of_it(
    rows: Sequence[Row], tmp_path: Path
) -> None:
    async with page(tmp_path) as (tab, _):

        async def one(row: Row) -> str:
            found = await outcome_of_chromium(row, tab)
            # Once more, where a busy machine may have made the difference.
            same = with_outcome(row, found).is_taken == row.is_taken
            return found if same else await outcome_of_chromium(row, tab)

        found = await outcomes(rows, one)
    now = [with_outcome(row, found[row.name]) for row in rows]
    changed = [each for each, row in zip(now, rows, strict=True) if each.is_taken != row.is_taken]
    assert changed == []


def test_the_table_counts_the_rows() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    expected = table(GROUPS, ROWS)
    at = lines.index(expected[0], lines.index("### More odd servers"))
    assert lines[at : at + len(expected)] == expected
