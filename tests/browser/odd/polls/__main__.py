"""``python -m tests.browser.odd.polls``: ask Chromium about all rows, and print the table."""

import asyncio
import tempfile
from pathlib import Path

from msgspec import structs

from tests.browser.odd.compare_signaling import page
from tests.browser.odd.polls.compare import GROUPS, outcome_of_chromium, outcome_of_probe
from tests.browser.odd.polls.rows import OUTCOMES, unasked_rows
from tests.browser.odd_rows import differing, keep_outcomes, outcomes, table


async def _main() -> None:
    rows = [*unasked_rows()]
    with tempfile.TemporaryDirectory() as folder:
        async with page(Path(folder)) as (tab, _):
            found = await outcomes(rows, lambda row: outcome_of_chromium(row, tab))
    keep_outcomes(OUTCOMES, {row.name: found[row.name] for row in rows})
    asked = [structs.replace(row, chromium=found[row.name]) for row in rows]
    print("\n".join(table(GROUPS, asked)))
    print("\n".join(differing(asked, await outcomes(asked, outcome_of_probe))))


if __name__ == "__main__":
    asyncio.run(_main())
