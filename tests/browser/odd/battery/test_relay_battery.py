"""What Chromium's users have of a thousand odd TURN and STUN servers, the checks say."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from tests.browser.browser import browser, opened
from tests.browser.odd.battery.compare_turn import (
    GROUPS,
    OK,
    binding_verdict,
    call_in_chromium,
    gathered_in_chromium,
    verdicts,
)
from tests.browser.odd.battery.turn_rows import RelayRow, is_success, stun_rows, turn_rows
from tests.browser.odd_rows import differing, documented, outcomes, table

GATHER = Path(__file__).with_name("gather.js")
CALLS, BINDINGS = turn_rows(), stun_rows()
# Those that nothing keeps waiting: both sides are done within a second or two.
QUICK = [row for row in CALLS if row.is_taken and row.seconds < 2]
LONG = [pytest.mark.nightly, pytest.mark.timeout(3600)]


async def _asked(
    rows: Sequence[RelayRow], one: Callable[[RelayRow], Awaitable[str]]
) -> dict[str, str]:
    async def settled(row: RelayRow) -> str:
        found = await one(row)
        # Once more, where a busy machine may have made the difference.
        differs = (found == OK or is_success(found)) != row.is_taken
        return await one(row) if differs else found

    return await outcomes(rows, settled)


@pytest.mark.parametrize(
    "rows",
    [
        QUICK[::40],
        pytest.param(QUICK[::8], marks=pytest.mark.proof),
        pytest.param(CALLS, marks=LONG),
    ],
    ids=["short", "long", "all"],
)
async def test_calls_are_judged_as_chromium_judged_them(rows: Sequence[RelayRow]) -> None:
    assert differing(rows, await _asked(rows, verdicts)) == []


@pytest.mark.parametrize(
    "rows",
    [
        BINDINGS[::30],
        pytest.param(BINDINGS, marks=pytest.mark.proof),
    ],
    ids=["short", "all"],
)
async def test_binding_is_judged_as_chromium_judged_it(rows: Sequence[RelayRow]) -> None:
    assert differing(rows, await _asked(rows, binding_verdict)) == []


@pytest.mark.parts
@pytest.mark.parametrize(
    "rows",
    [pytest.param(QUICK[::20], marks=pytest.mark.proof), pytest.param(CALLS, marks=LONG)],
    ids=["short", "all"],
)
async def test_chromium_still_has_the_same_calls(rows: Sequence[RelayRow], tmp_path: Path) -> None:
    async with browser(tmp_path) as page:
        found = await _asked(rows, lambda row: call_in_chromium(row, page))
    changed = [row.name for row in rows if is_success(found[row.name]) != row.is_taken]
    assert changed == []


@pytest.mark.parts
@pytest.mark.parametrize(
    "rows",
    [pytest.param(BINDINGS[::20], marks=pytest.mark.proof), pytest.param(BINDINGS, marks=LONG)],
    ids=["short", "all"],
)
async def test_chromium_still_gathers_the_same(rows: Sequence[RelayRow], tmp_path: Path) -> None:
    async with opened(tmp_path, GATHER) as tab:
        found = await _asked(rows, lambda row: gathered_in_chromium(row, tab))
    changed = [row.name for row in rows if is_success(found[row.name]) != row.is_taken]
    assert changed == []


def test_the_table_counts_the_rows() -> None:
    expected = table(GROUPS, (*CALLS, *BINDINGS))
    assert documented(expected) == expected
