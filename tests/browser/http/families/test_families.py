"""Where the families of an address differ, the check reaches what Chromium does."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.browser.http.families.compare import GROUPS, outcome_of_chromium, outcome_of_probe, tab
from tests.browser.http.families.rows import FamilyRow, family_rows, unasked_rows
from tests.browser.odd_rows import differing, documented, outcomes, table

ROWS = family_rows()


async def test_the_check_says_what_users_have(tmp_path: Path) -> None:
    # One after the other: so many ports in both families are scarce.
    found = await outcomes(ROWS, lambda row: outcome_of_probe(row, tmp_path), 1)
    assert differing(ROWS, found) == []


@pytest.mark.parts
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS[::6], marks=pytest.mark.proof),
        pytest.param(ROWS, marks=[pytest.mark.nightly, pytest.mark.timeout(1800)]),
    ],
    ids=["short", "all"],
)
async def test_chromium_still_makes_the_same_of_it(
    rows: Sequence[FamilyRow], tmp_path: Path
) -> None:
    async with tab(tmp_path) as asking:
        found = {row.name: await outcome_of_chromium(row, asking, tmp_path) for row in rows}
    assert [row.name for row in rows if (found[row.name] == "ok") != row.is_taken] == []


def test_each_row_has_a_name_of_its_own() -> None:
    names = [row.name for row in unasked_rows()]
    assert len({*names}) == len(names)


def test_the_table_counts_the_families() -> None:
    expected = table(GROUPS, ROWS)
    assert documented(expected) == expected
