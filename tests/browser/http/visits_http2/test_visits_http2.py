"""What users of Chromium have of visits by HTTP/2, the check says."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.browser.http.visits_http2.compare import (
    GROUPS,
    outcome_of_chromium,
    outcome_of_probe,
    tab,
)
from tests.browser.http.visits_http2.rows import Http2Row, http2_rows, unasked_rows
from tests.browser.odd_rows import differing, documented, outcomes, table

ROWS = http2_rows()


async def test_the_check_says_what_users_have(tmp_path: Path) -> None:
    found = await outcomes(ROWS, lambda row: outcome_of_probe(row, tmp_path))
    assert differing(ROWS, found) == []


@pytest.mark.parts
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS[::10], marks=pytest.mark.proof),
        pytest.param(ROWS, marks=[pytest.mark.nightly, pytest.mark.timeout(1800)]),
    ],
    ids=["short", "all"],
)
async def test_chromium_still_makes_the_same_of_it(
    rows: Sequence[Http2Row], tmp_path: Path
) -> None:
    async with tab(tmp_path) as asking:
        found = {row.name: await outcome_of_chromium(row, asking, tmp_path) for row in rows}
    assert [row.name for row in rows if (found[row.name] == "ok") != row.is_taken] == []


def test_each_visit_has_a_name_of_its_own() -> None:
    names = [row.name for row in unasked_rows()]
    assert len({*names}) == len(names)


def test_the_table_counts_the_visits() -> None:
    expected = table(GROUPS, ROWS)
    assert documented(expected) == expected
