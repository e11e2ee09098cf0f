"""Rows of visits asked of Chromium and of the ``http`` check."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from msgspec import Struct, structs

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.runner import run_check
from probe.kinds.http import KIND, HttpTable
from tests.browser.odd_rows import differing, keep_outcomes, kept_outcomes, outcomes, table
from tests.browser.scenarios import spki_of
from tests.servers.chromium import Chromium, Tab


class AskedRow(Struct, frozen=True, kw_only=True):
    """``chromium`` is what it makes of the row: ``ok``, or its error."""

    chromium: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether its user has what the row is about."""
        return self.chromium == "ok"

    @property
    def why(self) -> str:
        """Why the check differs; empty where it does not."""
        return ""


_Row = TypeVar("_Row", bound=Any)


class Asking(Protocol):
    """How the rows of one table are asked: its module ``compare``."""

    GROUPS: str

    def tab(self, folder: Path) -> AbstractAsyncContextManager[Tab]:
        """A browser that can show the rows."""

    async def outcome_of_chromium(self, row: Any, asking: Tab, folder: Path) -> str:
        """What a user sees."""

    async def outcome_of_probe(self, row: Any, folder: Path) -> str:
        """``ok``, or the cause."""


async def outcome_of_check(url: str, ca_file: Path) -> str:
    """``ok``, or the cause."""
    table = {"name": "page", "url": url, "deadline": 20, "ca_file": ca_file}
    result = await run_check(Check(KIND, HttpTable.model_validate(table)), Context())
    return "ok" if result.failure is None else result.failure.cause.value


@asynccontextmanager
async def trusting_tab(folder: Path) -> AsyncIterator[Tab]:
    """A browser that takes the certificate of any server."""
    async with Chromium(folder, "--ignore-certificate-errors") as chromium:
        yield await chromium.tab()


@asynccontextmanager
async def tab_of_names(folder: Path, certificate: Path, names: str) -> AsyncIterator[Tab]:
    """A browser that takes the certificate, and finds ``names`` where they say."""
    flags = (
        f"--ignore-certificate-errors-spki-list={spki_of(certificate)}",
        f"--host-resolver-rules=MAP {names}",
    )
    async with Chromium(folder, *flags) as chromium:
        yield await chromium.tab()


def kept_rows(rows: Iterable[_Row], file: Path) -> list[_Row]:
    """The rows with what Chromium made of them when it was asked."""
    kept = kept_outcomes(file)
    return [structs.replace(row, chromium=kept[row.name]) for row in rows]


def ask_again(asking: Asking, rows: Sequence[Any], file: Path) -> None:
    """Ask Chromium about all rows, keep what it says, print the table and what differs."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_ask_again(asking, rows, file, Path(folder)))


async def _ask_again(asking: Asking, rows: Sequence[Any], file: Path, folder: Path) -> None:
    asked = []
    async with asking.tab(folder) as tab:
        for row in rows:
            found = await asking.outcome_of_chromium(row, tab, folder)
            asked.append(structs.replace(row, chromium=found))
    keep_outcomes(file, {row.name: row.chromium for row in asked})
    print(*table(asking.GROUPS, asked), sep="\n")
    # One after the other: names are found on this machine while one is asked.
    said = await outcomes(asked, lambda row: asking.outcome_of_probe(row, folder), 1)
    print(*differing(asked, said), sep="\n")
