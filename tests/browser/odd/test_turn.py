"""The probe judges odd TURN servers as Chromium does, as docs/browser.md has it."""

import asyncio
from pathlib import Path

import pytest

from tests.browser.browser import browser
from tests.browser.odd.compare_turn import HEADER, Made, compare, row
from tests.browser.scenarios import spki
from tests.browser.sides import table_row
from tests.servers.certificate import make_certificate
from tests.turn.odd.every import ODD_SERVERS
from tests.turn.odd.server import OddServer

PAGE = Path(__file__).parents[3] / "docs" / "browser.md"
AT_ONCE = 8


@pytest.mark.nightly
@pytest.mark.parts
async def test_chromium_and_the_probe_agree_on_each(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    slots = asyncio.Semaphore(AT_ONCE)
    flag = f"--ignore-certificate-errors-spki-list={spki(certificate)}"
    async with browser(tmp_path, flag) as page:

        async def one(server: OddServer) -> Made:
            async with slots:
                made = await compare(server, page, certificate)
            # Alone once more, where a busy machine may have made the difference.
            return await compare(server, page, certificate) if made.differs else made

        made = await asyncio.gather(*map(one, ODD_SERVERS))
    assert [each.differs for each in made if each.differs] == []


def test_the_page_has_a_row_for_each() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(table_row(*HEADER)) + 2
    assert lines[start : start + len(ODD_SERVERS)] == [row(server) for server in ODD_SERVERS]
