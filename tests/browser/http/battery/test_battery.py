"""What Chromium takes of 1,600 odd answers, the check takes, and nothing else."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.browser.http.battery.compare import GROUPS, outcome_of_chromium, outcome_of_probe, tab
from tests.browser.http.battery.rows import Row, all_rows, http1_rows, seen_by_chromium
from tests.browser.odd_rows import differing, documented, outcomes, table


@pytest.mark.parametrize(
    "every", [6, pytest.param(1, marks=pytest.mark.proof)], ids=["short", "all"]
)
async def test_the_check_agrees_with_what_chromium_made_of_it(every: int, tmp_path: Path) -> None:
    rows = all_rows()[::every]
    found = await outcomes(rows, lambda row: outcome_of_probe(row, tmp_path))
    assert differing(rows, found) == []


@pytest.mark.parts
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(http1_rows()[::20], marks=pytest.mark.proof),
        pytest.param(all_rows(), marks=[pytest.mark.nightly, pytest.mark.timeout(3600)]),
    ],
    ids=["short", "all"],
)
async def test_chromium_still_makes_the_same_of_it(rows: Sequence[Row], tmp_path: Path) -> None:
    found = []
    async with tab(tmp_path) as asking:
        for row in rows:
            found.append(seen_by_chromium(row, await outcome_of_chromium(row, asking, tmp_path)))
    assert [
        each for each, row in zip(found, rows, strict=True) if each.is_taken != row.is_taken
    ] == []


def test_the_table_counts_the_rows() -> None:
    expected = table(GROUPS, all_rows())
    assert documented(expected) == expected
