"""``python -m tests.browser.odd.battery``: ask Chromium about all rows, and print the tables."""

import asyncio
import tempfile
from pathlib import Path

from tests.browser.odd.battery.compare import outcome_of_chromium, outcomes, table, with_outcome
from tests.browser.odd.battery.rows import (
    Row,
    signaling_rows,
    websocket_rows,
    write_outcomes,
)
from tests.browser.odd.compare_signaling import page


async def _signaling() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with page(Path(folder)) as (tab, _):

            async def one(row: Row) -> str:
                return await outcome_of_chromium(row, tab)

            seen: list[Row] = []
            for name, rows in (("websocket", websocket_rows()), ("signaling", signaling_rows())):
                found = await outcomes(rows, one)
                write_outcomes(name, found)
                seen.extend(with_outcome(row, found[row.name]) for row in rows)
    print("\n".join(table(seen)))


if __name__ == "__main__":
    asyncio.run(_signaling())
