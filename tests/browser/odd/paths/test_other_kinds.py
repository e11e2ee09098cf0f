"""``turn``, ``allocation``, ``peer`` and ``journey`` judge odd paths as Chromium's users have."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from probe.stun.browser_timing import PhaseTimeouts
from tests.browser.odd.paths.compare import OK
from tests.browser.odd.paths.other_kinds import KINDS, agrees, concerns, table_of_kinds
from tests.browser.odd.paths.row import PathRow
from tests.browser.odd.paths.rows import path_rows
from tests.browser.odd_rows import documented, outcomes
from tests.servers.certificate import make_certificate

ROWS = path_rows()
QUICK = [row for row in ROWS if row.is_taken and row.seconds < 1]
# Of those, what another side of the house has to live through.
SHORT = QUICK[::80]
LONG = [pytest.mark.nightly, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "rows",
    [
        SHORT,
        pytest.param(QUICK[::20], marks=pytest.mark.proof),
        pytest.param(ROWS, marks=LONG),
    ],
    ids=["short", "long", "all"],
)
async def test_each_kind_judges_as_chromiums_users_had_it(
    kind: str, rows: Sequence[PathRow], tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)

    async def settled(row: PathRow) -> str:
        found = await KINDS[kind](row, certificate)
        # Once more, where a busy machine may have made the difference.
        return found if agrees(kind, row, found) else await KINDS[kind](row, certificate)

    meant = [row for row in rows if concerns(kind, row)]
    found = await outcomes(meant, settled)
    wrong = [
        f"{row.name}: Chromium {row.chromium}, {kind} {found[row.name]}"
        for row in meant
        if not agrees(kind, row, found[row.name])
    ]
    assert wrong == []


@pytest.mark.parametrize("seconds", [3.0, 10.0, 25.0, 30.0, 60.0])
def test_a_call_has_a_browsers_time_as_far_as_there_is_so_much(seconds: float) -> None:
    found, browsers = PhaseTimeouts.as_browsers(seconds), PhaseTimeouts()
    assert found.setup < seconds
    if seconds >= 30:
        assert replace(found, whole=browsers.whole) == browsers
    assert (found.gathering, found.ice) <= (browsers.gathering, browsers.ice)


def test_where_nothing_can_be_compared_nothing_is_counted() -> None:
    assert all(agrees("allocation", row, OK) for row in ROWS if row.phase == "echo")


def test_the_table_counts_what_was_compared() -> None:
    expected = table_of_kinds(ROWS)
    assert documented(expected) == expected
