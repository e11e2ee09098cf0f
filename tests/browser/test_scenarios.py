"""Chromium and the ``call`` check agree on every scenario, as docs/browser.md has it."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.browser.browser import SCRIPT, Browser, page_with
from tests.browser.scenarios import SCENARIOS, Scenario, Stage, spki
from tests.browser.sides import HEADER, play, table_row
from tests.servers.certificate import LOOPBACK, make_certificate, make_key
from tests.servers.chromium import Chromiums
from tests.servers.coturn import CoturnFactory
from tests.servers.netns import Namespace

PAGE = Path(__file__).parent.parent.parent / "docs" / "browser.md"


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    """The key of all certificates here, so that one browser trusts them."""
    return make_key()


@pytest.fixture
def stage(
    tmp_path: Path, coturn: CoturnFactory, scenario: Scenario, key: ec.EllipticCurvePrivateKey
) -> Iterator[Stage]:
    """Servers whose certificate the browser trusts, wherever they stand."""
    inside = Namespace() if scenario.walled else None
    names = (*LOOPBACK, *([inside.address] if inside else []))
    yield Stage(tmp_path, make_certificate(tmp_path, names=names, key=key), coturn, inside)
    if inside is not None:
        inside.close()


@pytest.fixture
async def page(stage: Stage, chromiums: Chromiums) -> AsyncIterator[Browser]:
    """A page that can call."""
    # Chromium's own store of authorities is the system's, where a test has no business.
    flag = f"--ignore-certificate-errors-spki-list={spki(stage.certificate)}"
    async with chromiums(flag).window() as tab, page_with(tab, SCRIPT):
        yield Browser(tab)


@pytest.mark.parts
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
async def test_chromium_and_the_call_check_agree(
    scenario: Scenario, stage: Stage, page: Browser
) -> None:
    outcome = await play(scenario, stage, page)
    experienced, said = outcome.usable
    assert experienced == said, outcome.row
    assert outcome.row in PAGE.read_text(encoding="utf-8").splitlines()


def test_the_page_has_a_row_for_each_scenario_and_no_other() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(table_row(*HEADER)) + 2
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append(re.split(r" ?\| ?", line)[1])
    assert rows == [scenario.name for scenario in SCENARIOS]
