"""The protocols that Chromium speaks with a server, the check speaks."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.browser.http.alpn.compare import (
    GROUPS,
    outcome_of_chromium,
    outcome_of_probe,
    tab,
)
from tests.browser.http.alpn.rows import AlpnRow, alpn_rows, unasked_rows
from tests.browser.odd_rows import differing, documented, outcomes, table

ROWS = alpn_rows()


@pytest.mark.parametrize(
    "rows", [ROWS[::2], pytest.param(ROWS, marks=pytest.mark.proof)], ids=["short", "all"]
)
async def test_the_check_speaks_what_browsers_speak(
    rows: Sequence[AlpnRow], tmp_path: Path
) -> None:
    # One after the other: names are found on this machine while one is asked.
    found = await outcomes(rows, lambda row: outcome_of_probe(row, tmp_path), 1)
    assert differing(rows, found) == []


@pytest.mark.parts
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS[::10], marks=pytest.mark.proof),
        pytest.param(ROWS, marks=[pytest.mark.nightly, pytest.mark.timeout(1800)]),
    ],
    ids=["short", "all"],
)
async def test_chromium_still_makes_the_same_of_it(rows: Sequence[AlpnRow], tmp_path: Path) -> None:
    async with tab(tmp_path) as asking:
        found = {row.name: await outcome_of_chromium(row, asking, tmp_path) for row in rows}
    assert [row.name for row in rows if (found[row.name] == "ok") != row.is_taken] == []


def test_each_server_has_a_name_of_its_own() -> None:
    names = [row.name for row in unasked_rows()]
    assert len({*names}) == len(names)


def test_the_table_counts_the_protocols() -> None:
    expected = table(GROUPS, ROWS)
    assert documented(expected) == expected
