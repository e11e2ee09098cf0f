"""``python -m tests.browser.odd.courses``: ask Chromium about all rows, and print the table."""

import asyncio
import sys
import tempfile
from pathlib import Path

from msgspec import structs

from tests.browser.odd.compare_signaling import page
from tests.browser.odd.courses.compare import GROUPS, outcome_of_chromium, outcome_of_probe
from tests.browser.odd.courses.rows import unasked_rows, write_outcomes
from tests.browser.odd_rows import differing, outcomes, table

AT_ONCE = 12


async def _main(word: str) -> None:
    rows = [row for row in unasked_rows() if word in f"{row.group}: {row.name}"]
    with tempfile.TemporaryDirectory() as folder:
        async with page(Path(folder)) as (tab, _):
            found = await outcomes(rows, lambda row: outcome_of_chromium(row, tab), AT_ONCE)
    if not word:
        write_outcomes({row.name: found[row.name] for row in rows})
    asked = [structs.replace(row, chromium=found[row.name]) for row in rows]
    print("\n".join(table(GROUPS, asked)))
    said = await outcomes(asked, outcome_of_probe, AT_ONCE)
    print("\n".join(differing(asked, said)))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1] if sys.argv[1:] else ""))
