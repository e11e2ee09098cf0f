"""What pages in Chromium have of a backend, each kind that opens sessions says, in one voice."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import structs

from tests.browser.http.asking import kept_rows
from tests.browser.odd.compare_signaling import page
from tests.browser.odd.pages.compare import (
    GROUPS,
    OK,
    by_polling,
    outcome_of_chromium,
    verdicts,
)
from tests.browser.odd.pages.rows import OUTCOMES, PageRow, unasked_rows
from tests.browser.odd_rows import differing, documented, table

ROWS = kept_rows(unasked_rows(), OUTCOMES)


def _in_short(message: str) -> str:
    """As far as a load keeps it."""
    return message[:90]


@pytest.mark.parametrize(
    "rows", [ROWS[::4], pytest.param(ROWS, marks=pytest.mark.proof)], ids=["short", "all"]
)
async def test_all_kinds_say_what_pages_have_with_the_same_cause(rows: Sequence[PageRow]) -> None:
    found = {row.name: await verdicts(row) for row in rows}
    assert differing(rows, {name: said["signaling"] for name, said in found.items()}) == []
    apart = {
        f"{name}: {kind}": (message, said["signaling"])
        for name, said in found.items()
        for kind, message in said.items()
        if _in_short(message) != _in_short(said["signaling"])
    }
    assert apart == {}


@pytest.mark.parametrize(
    "rows", [ROWS[::8], pytest.param(ROWS, marks=pytest.mark.proof)], ids=["short", "all"]
)
async def test_polling_is_judged_as_a_page_that_begins_so(rows: Sequence[PageRow]) -> None:
    for row in rows:
        found = await by_polling(row)
        assert (found == OK) == row.has["polling"], f"{row.name}: {found}"


@pytest.mark.parts
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS[::6], marks=pytest.mark.proof),
        pytest.param(ROWS, marks=[pytest.mark.nightly, pytest.mark.timeout(1800)]),
    ],
    ids=["short", "all"],
)
async def test_pages_still_have_the_same(rows: Sequence[PageRow], tmp_path: Path) -> None:
    async with page(tmp_path) as (tab, origin):
        found = [await outcome_of_chromium(row, tab, origin) for row in rows]
    # Which of its requests a page sees fail first is chance.
    now = [structs.replace(row, chromium=said) for row, said in zip(rows, found, strict=True)]
    assert [each for each, row in zip(now, rows, strict=True) if each.has != row.has] == []


def test_each_gate_has_a_name_of_its_own() -> None:
    names = [row.name for row in ROWS]
    assert len({*names}) == len(names)


def test_the_table_counts_the_gates() -> None:
    expected = table(GROUPS, ROWS)
    assert documented(expected) == expected
