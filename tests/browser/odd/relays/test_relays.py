"""``turn``, ``call`` and ``load`` judge odd relays as Chromium's users have them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.browser.browser import browser
from tests.browser.odd.relays.compare import GROUPS, KINDS, agrees, call_in_chromium
from tests.browser.odd.relays.rows import OddRelay, kept_outcomes, odd_relays, unasked_relays
from tests.browser.odd_rows import documented, outcomes, table
from tests.browser.scenarios import spki
from tests.servers.certificate import make_certificate

ROWS = odd_relays()
QUICK = [row for row in ROWS if row.is_taken and row.seconds < 2 and row.front is None]
# A refusal that passes, which ended a call of the probe's and none of a browser's.
BRIEF = [row for row in ROWS if row.name.startswith("ChannelBind") and "once" in row.name]
PATIENT = [row for row in ROWS if row.name.endswith("2.5 s late")]
LONG = [pytest.mark.nightly, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "rows",
    [
        [*BRIEF[::3], *QUICK[::12]],
        pytest.param([*BRIEF, *PATIENT, *QUICK[::2]], marks=pytest.mark.proof),
        pytest.param(ROWS, marks=LONG),
    ],
    ids=["short", "long", "all"],
)
async def test_each_kind_judges_as_chromiums_users_had_it(
    kind: str, rows: Sequence[OddRelay], tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)

    async def settled(row: OddRelay) -> str:
        found = await KINDS[kind](row, certificate)
        # Once more, where a busy machine may have made the difference.
        return found if agrees(kind, row, found) else await KINDS[kind](row, certificate)

    meant = [row for row in rows if row.concerns(kind)]
    found = await outcomes(meant, settled)
    wrong = [
        f"{row.name}: Chromium {row.chromium}, {kind} {found[row.name]}"
        for row in meant
        if not agrees(kind, row, found[row.name])
    ]
    assert wrong == []


@pytest.mark.parts
@pytest.mark.parametrize(
    "rows",
    [pytest.param(QUICK[::6], marks=pytest.mark.proof), pytest.param(ROWS, marks=LONG)],
    ids=["short", "all"],
)
async def test_chromium_still_has_the_same_calls(rows: Sequence[OddRelay], tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    flag = f"--ignore-certificate-errors-spki-list={spki(certificate)}"
    async with browser(tmp_path, flag) as page:

        async def one(row: OddRelay) -> str:
            found = await call_in_chromium(row, page, certificate)
            same = found == row.chromium
            return found if same else await call_in_chromium(row, page, certificate)

        found = await outcomes(rows, one)
    assert [row.name for row in rows if found[row.name] != row.chromium] == []


def test_each_relay_has_a_name_of_its_own_and_an_outcome() -> None:
    names = [row.name for row in unasked_relays()]
    assert len({*names}) == len(names)
    assert kept_outcomes().keys() == {*names}


def test_the_table_counts_the_relays() -> None:
    expected = table(GROUPS, ROWS)
    assert documented(expected) == expected
