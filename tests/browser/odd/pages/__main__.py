"""``python -m tests.browser.odd.pages``: ask Chromium about all rows, and print the table."""

import asyncio
import tempfile
from pathlib import Path

from msgspec import structs

from tests.browser.odd.compare_signaling import page
from tests.browser.odd.pages.compare import GROUPS, outcome_of_chromium, outcome_of_probe
from tests.browser.odd.pages.rows import OUTCOMES, unasked_rows
from tests.browser.odd_rows import differing, keep_outcomes, outcomes, table


async def _main() -> None:
    asked = []
    with tempfile.TemporaryDirectory() as folder:
        async with page(Path(folder)) as (tab, origin):
            for row in unasked_rows():
                found = await outcome_of_chromium(row, tab, origin)
                asked.append(structs.replace(row, chromium=found))
    keep_outcomes(OUTCOMES, {row.name: row.chromium for row in asked})
    print(*table(GROUPS, asked), sep="\n")
    print(*differing(asked, await outcomes(asked, outcome_of_probe)), sep="\n")


if __name__ == "__main__":
    asyncio.run(_main())
