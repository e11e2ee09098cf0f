"""What a page whose client reconnects has of odd courses of a session, the check says."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.browser.odd.compare_signaling import page
from tests.browser.odd.courses.compare import GROUPS, outcome_of_chromium, outcome_of_probe
from tests.browser.odd.courses.rows import CourseRow, course_rows, kept_outcomes, unasked_rows
from tests.browser.odd_rows import differing, documented, outcomes, table

ROWS = course_rows()
QUICK = [row for row in ROWS if row.is_taken and not row.why]


@pytest.mark.parametrize(
    "rows",
    [QUICK[::8], pytest.param(ROWS, marks=[pytest.mark.proof, pytest.mark.timeout(600)])],
    ids=["short", "all"],
)
async def test_the_check_says_what_a_page_has(rows: Sequence[CourseRow]) -> None:
    async def settled(row: CourseRow) -> str:
        found = await outcome_of_probe(row)
        # Once more, where a busy machine may have made the difference.
        return await outcome_of_probe(row) if differing([row], {row.name: found}) else found

    assert differing(rows, await outcomes(rows, settled)) == []


@pytest.mark.parts
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(QUICK[::8], marks=pytest.mark.proof),
        pytest.param(ROWS, marks=[pytest.mark.nightly, pytest.mark.timeout(1800)]),
    ],
    ids=["short", "all"],
)
async def test_a_page_still_has_the_same(rows: Sequence[CourseRow], tmp_path: Path) -> None:
    async with page(tmp_path) as (tab, _):
        found = await outcomes(rows, lambda row: outcome_of_chromium(row, tab))
    assert [row.name for row in rows if (found[row.name] == "ready") != row.is_taken] == []


def test_each_course_has_a_name_of_its_own_and_an_outcome() -> None:
    names = [row.name for row in unasked_rows()]
    assert len({*names}) == len(names)
    assert kept_outcomes().keys() == {*names}


def test_the_table_counts_the_courses() -> None:
    expected = table(GROUPS, ROWS)
    assert documented(expected) == expected
