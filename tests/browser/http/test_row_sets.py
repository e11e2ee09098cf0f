"""What Chromium's users have of odd servers, the check says: the sets of rows in this folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests.browser.http.alpn import compare as alpn
from tests.browser.http.alpn import rows as alpn_rows
from tests.browser.http.asking import Asking, kept_rows
from tests.browser.http.certificates import compare as certificates
from tests.browser.http.certificates import relays as certificates_of_relays
from tests.browser.http.certificates import rows as certificate_rows
from tests.browser.http.cookie_visits import compare as cookie_visits
from tests.browser.http.cookie_visits import rows as cookie_rows
from tests.browser.http.cross_origin import compare as cross_origin
from tests.browser.http.cross_origin import rows as cross_rows
from tests.browser.http.families import compare as families
from tests.browser.http.families import rows as family_rows
from tests.browser.http.issued import compare as issued
from tests.browser.http.issued import rows as issued_rows
from tests.browser.http.policies import compare as policies
from tests.browser.http.policies import rows as policy_rows
from tests.browser.http.refreshes import compare as refreshes
from tests.browser.http.refreshes import rows as refresh_rows
from tests.browser.http.visits import compare as visits
from tests.browser.http.visits import rows as visit_rows
from tests.browser.http.visits_http2 import compare as visits_http2
from tests.browser.http.visits_http2 import rows as http2_rows
from tests.browser.odd_rows import differing, documented, outcomes, table


class RowSet(Struct, frozen=True):
    """The short form has the check asked about every ``step``-th row; Chromium is asked about every
    ``asked_step``-th in ``make proof``. One row at a time where they find names or ports of this
    machine."""

    name: str
    asking: Asking
    rows: Sequence[Any]
    step: int = 1
    asked_step: int = 10
    at_once: int = 1


SETS = (
    RowSet("visits", visits, kept_rows(visit_rows.unasked_rows(), visit_rows.OUTCOMES)),
    RowSet(
        "visits_http2",
        visits_http2,
        kept_rows(http2_rows.unasked_rows(), http2_rows.OUTCOMES),
        at_once=8,
    ),
    RowSet("alpn", alpn, kept_rows(alpn_rows.unasked_rows(), alpn_rows.OUTCOMES), step=2),
    RowSet(
        "cookie_visits",
        cookie_visits,
        kept_rows(cookie_rows.unasked_rows(), cookie_rows.OUTCOMES),
        step=2,
    ),
    RowSet(
        "certificates",
        certificates,
        kept_rows(certificate_rows.unasked_rows(), certificate_rows.OUTCOMES),
        step=6,
        asked_step=20,
    ),
    RowSet(
        "certificates_of_relays",
        certificates_of_relays,
        kept_rows(certificate_rows.unasked_rows(), certificate_rows.OUTCOMES),
        step=6,
        asked_step=20,
    ),
    RowSet(
        "cross_origin",
        cross_origin,
        kept_rows(cross_rows.unasked_rows(), cross_rows.OUTCOMES),
        step=3,
    ),
    RowSet(
        "issued",
        issued,
        kept_rows(issued_rows.unasked_rows(), issued_rows.OUTCOMES),
        step=3,
    ),
    RowSet(
        "refreshes",
        refreshes,
        kept_rows(refresh_rows.unasked_rows(), refresh_rows.OUTCOMES),
        step=3,
        at_once=8,
    ),
    RowSet(
        "policies",
        policies,
        kept_rows(policy_rows.unasked_rows(), policy_rows.OUTCOMES),
        step=8,
        asked_step=25,
    ),
    RowSet(
        "families",
        families,
        kept_rows(family_rows.unasked_rows(), family_rows.OUTCOMES),
        asked_step=6,
    ),
)
each_set = pytest.mark.parametrize("of", SETS, ids=lambda of: of.name)


def _checked() -> Iterator[Any]:
    for of in SETS:
        yield pytest.param(of, of.rows[:: of.step], id=f"{of.name}-short")
        if of.step > 1:
            yield pytest.param(of, of.rows, marks=pytest.mark.proof, id=f"{of.name}-all")


def _asked() -> Iterator[Any]:
    nightly = [pytest.mark.nightly, pytest.mark.timeout(1800)]
    for of in SETS:
        few = of.rows[:: of.asked_step]
        yield pytest.param(of, few, marks=pytest.mark.proof, id=f"{of.name}-short")
        yield pytest.param(of, of.rows, marks=nightly, id=f"{of.name}-all")


@pytest.mark.parametrize(("of", "rows"), [*_checked()])
async def test_the_check_says_what_users_have(
    of: RowSet, rows: Sequence[Any], tmp_path: Path
) -> None:
    found = await outcomes(rows, lambda row: of.asking.outcome_of_probe(row, tmp_path), of.at_once)
    assert differing(rows, found) == []


@pytest.mark.parts
@pytest.mark.parametrize(("of", "rows"), [*_asked()])
async def test_chromium_still_makes_the_same_of_it(
    of: RowSet, rows: Sequence[Any], tmp_path: Path
) -> None:
    async with of.asking.tab(tmp_path) as tab:
        found = {row.name: await of.asking.outcome_of_chromium(row, tab, tmp_path) for row in rows}
    assert [row.name for row in rows if (found[row.name] == "ok") != row.is_taken] == []


@each_set
def test_each_row_has_a_name_of_its_own(of: RowSet) -> None:
    names = [row.name for row in of.rows]
    assert len({*names}) == len(names)


@each_set
def test_the_table_counts_the_rows(of: RowSet) -> None:
    expected = table(of.asking.GROUPS, of.rows)
    assert documented(expected) == expected
