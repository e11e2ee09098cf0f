"""What Chromium's users have of hundreds of odd paths, the check says, and in the same phase."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from tests.browser.browser import browser
from tests.browser.odd.paths.compare import GROUPS, agrees, call_in_chromium, outcome_of_probe
from tests.browser.odd.paths.row import PathRow
from tests.browser.odd.paths.rows import kept_outcomes, path_rows, unasked_rows
from tests.browser.odd_rows import documented, outcomes, table
from tests.browser.scenarios import spki
from tests.servers.certificate import make_certificate

ROWS = path_rows()
# Those that nothing keeps waiting: both sides are done within a second or two.
QUICK = [row for row in ROWS if row.is_taken and row.seconds < 1]
LONG = [pytest.mark.nightly, pytest.mark.timeout(3600)]


async def _asked(
    rows: Sequence[PathRow], one: Callable[[PathRow], Awaitable[str]]
) -> dict[str, str]:
    async def settled(row: PathRow) -> str:
        found = await one(row)
        # Once more, where a busy machine may have made the difference.
        return found if agrees(row, found) else await one(row)

    return await outcomes(rows, settled)


@pytest.mark.parametrize(
    "rows",
    [
        QUICK[::40],
        pytest.param(QUICK[::8], marks=pytest.mark.proof),
        pytest.param(ROWS, marks=LONG),
    ],
    ids=["short", "long", "all"],
)
async def test_calls_are_judged_as_chromium_had_them(
    rows: Sequence[PathRow], tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)
    found = await _asked(rows, lambda row: outcome_of_probe(row, certificate))
    wrong = [
        f"{row.name}: Chromium {row.chromium}, probe {found[row.name]}"
        for row in rows
        if agrees(row, found[row.name]) == bool(row.why)
    ]
    assert wrong == []


@pytest.mark.parts
@pytest.mark.parametrize(
    "rows",
    [pytest.param(QUICK[::20], marks=pytest.mark.proof), pytest.param(ROWS, marks=LONG)],
    ids=["short", "all"],
)
async def test_chromium_still_has_the_same_calls(rows: Sequence[PathRow], tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    flag = f"--ignore-certificate-errors-spki-list={spki(certificate)}"
    async with browser(tmp_path, flag) as page:

        async def one(row: PathRow) -> str:
            found = await call_in_chromium(row, page, certificate)
            again = (found == row.chromium) or await call_in_chromium(row, page, certificate)
            return found if again is True else str(again)

        found = await outcomes(rows, one)
    assert [row.name for row in rows if found[row.name] != row.chromium] == []


def test_each_path_has_a_name_of_its_own_and_an_outcome() -> None:
    names = [row.name for row in unasked_rows()]
    assert len({*names}) == len(names)
    assert kept_outcomes().keys() == {*names}


def test_the_table_counts_the_paths() -> None:
    expected = table(GROUPS, ROWS)
    assert documented(expected) == expected
