"""The probe judges odd Socket.IO servers as socket.io-client in a browser does."""

import asyncio
import gc
from pathlib import Path

import pytest

from tests.browser.odd.compare_signaling import HEADER, experienced, page, row, verdict
from tests.browser.odd.signaling_rows import (
    ENDS_OF_POLLING,
    ODD_SESSIONS,
    OddSession,
)
from tests.browser.sides import table_row

PAGE = Path(__file__).parents[3] / "docs" / "browser.md"
ORIGIN = "http://127.0.0.1:9"
AT_ONCE = 6


def _same(said: str, expected: str) -> bool:
    return said == expected or {said, expected} <= ENDS_OF_POLLING


@pytest.mark.proof
@pytest.mark.parts
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_page_experiences_each_as_it_is_written_down(tmp_path: Path) -> None:
    slots = asyncio.Semaphore(AT_ONCE)
    async with page(tmp_path) as (tab, origin):

        async def one(session: OddSession) -> str:
            async with slots:
                said = await experienced(session, tab, origin)
            # Alone once more, where a busy machine may have made the difference.
            if not _same(said, session.chromium):
                said = await experienced(session, tab, origin)
            return "" if _same(said, session.chromium) else f"{session.name}: {said!r}"

        differ = [each for each in await asyncio.gather(*map(one, ODD_SESSIONS)) if each]
    gc.collect()  # aiohttp's server leaves a connection behind that a page resets as it is upgraded
    assert differ == []


@pytest.mark.parametrize(
    "session",
    [each for each in ODD_SESSIONS if each.probe != "deadline" and "not answered" not in each.name],
    ids=lambda each: each.name,
)
async def test_the_check_says_of_each_what_is_written_down(session: OddSession) -> None:
    assert await verdict(session, ORIGIN) == session.probe


@pytest.mark.proof
@pytest.mark.parametrize(
    "session",
    [each for each in ODD_SESSIONS if each.probe == "deadline" or "not answered" in each.name],
    ids=lambda each: each.name,
)
async def test_the_check_says_it_of_those_that_take_long(session: OddSession) -> None:
    assert await verdict(session, ORIGIN) == session.probe


def test_where_page_and_check_part_the_table_says_why() -> None:
    parted = [each for each in ODD_SESSIONS if (each.chromium == "ready") != (each.probe == "ok")]
    assert [each.name for each in parted if not each.why] == []


def test_the_page_has_a_row_for_each() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(table_row(*HEADER)) + 2
    assert lines[start : start + len(ODD_SESSIONS)] == [row(each) for each in ODD_SESSIONS]
