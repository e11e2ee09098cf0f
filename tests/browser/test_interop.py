"""The probe, turnutils_uclient and Chromium agree on TURN servers that others have written."""

from pathlib import Path

import pytest

from tests.browser.interop import cells
from tests.browser.interop_table import HEADER, PAGE, all_of, row
from tests.servers.certificate import LOOPBACK, make_certificate
from tests.servers.turn.turn_servers import PRODUCTS, TurnProduct


@pytest.mark.parts
@pytest.mark.proof
@pytest.mark.parametrize("product", PRODUCTS, ids=lambda each: each.name)
async def test_all_three_agree_on_a_real_server(tmp_path: Path, product: TurnProduct) -> None:
    certificate = make_certificate(tmp_path, names=LOOPBACK)
    found = await all_of(product, tmp_path, certificate)
    rows = [row(each) for each in found]
    print("\n".join(rows))
    for each in found:
        assert len(set(each.verdicts)) == 1 or each.why, row(each)
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert [each for each in rows if each not in lines] == [], "\n".join([HEADER, *rows])


def test_the_table_has_a_row_for_each_server_transport_and_situation() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = lines[lines.index(HEADER) + 2 :]
    named = [tuple(line.split(" | ")[:3]) for line in rows if line.startswith("|")]
    wanted = [
        (f"| {cell.product.name}", cell.way, cell.situation)
        for product in PRODUCTS
        for cell in cells(product)
    ]
    assert named[: len(wanted)] == wanted
