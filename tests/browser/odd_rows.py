"""Rows of odd servers with what Chromium made of each: asked of a client, compared, counted."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

AT_ONCE = 8
_PAGE = Path(__file__).parents[2] / "docs" / "browser.md"


class OddRow(Protocol):
    """One odd server."""

    @property
    def group(self) -> str:
        """Its line in the table."""

    @property
    def name(self) -> str:
        """No other row has it."""

    @property
    def chromium(self) -> str:
        """What Chromium made of it."""

    @property
    def is_taken(self) -> bool:
        """Whether a user of Chromium has what they want of it."""

    @property
    def why(self) -> str:
        """Why the check differs; empty where it does not."""


Row = TypeVar("Row", bound=OddRow)


async def outcomes(
    rows: Sequence[Row], one: Callable[[Row], Awaitable[str]], at_once: int = AT_ONCE
) -> dict[str, str]:
    """What ``one`` says of each row, by its name; some at a time."""
    found: dict[str, str] = {}
    slots = asyncio.Semaphore(at_once)

    async def fetch(row: Row) -> None:
        async with slots:
            found[row.name] = await one(row)

    async with asyncio.TaskGroup() as group:
        for row in rows:
            group.create_task(fetch(row))
    return found


def differing(rows: Sequence[OddRow], probe: Mapping[str, str]) -> list[str]:
    """Rows in which the verdicts differ without a reason, or do not differ in spite of one."""
    return [
        f"{row.name}: Chromium {row.chromium}, probe {probe[row.name]}"
        for row in rows
        if (row.is_taken == (probe[row.name] == "ok")) == bool(row.why)
    ]


def table(groups: str, rows: Sequence[OddRow]) -> list[str]:
    """A table of docs/browser.md whose first column is headed ``groups``: rows in which both
    agree but for those with a reason."""
    lines = [
        f"| {groups} | rows | taken by both | refused by both | differ, with their reason |",
        "|---|---|---|---|---|",
    ]
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        same = [row for row in members if not row.why]
        taken = sum(row.is_taken for row in same)
        lines.append(
            f"| {group} | {len(members)} | {taken} | {len(same) - taken} "
            f"| {len(members) - len(same)} |"
        )
    return lines


def documented(expected: Sequence[str]) -> list[str]:
    """The table of docs/browser.md with the head of this one. Raises ValueError without one."""
    lines = _PAGE.read_text(encoding="utf-8").splitlines()
    at = lines.index(expected[0])
    return lines[at : at + len(expected)]


def kept_outcomes(file: Path) -> dict[str, str]:
    """What Chromium made of rows, by their names."""
    return dict(json.loads(file.read_text(encoding="utf-8")))


def keep_outcomes(file: Path, found: Mapping[str, str]) -> None:
    """Write what Chromium makes of rows."""
    file.write_text(json.dumps(found, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
