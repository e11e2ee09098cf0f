"""``python -m tests.browser.http.families``: ask Chromium about all rows, and print the table."""

import asyncio
import tempfile
from pathlib import Path

from msgspec import structs

from tests.browser.http.families.compare import GROUPS, outcome_of_chromium, outcome_of_probe, tab
from tests.browser.http.families.rows import unasked_rows, write_outcomes
from tests.browser.odd_rows import differing, outcomes, table


async def _main(folder: Path) -> None:
    rows = []
    async with tab(folder) as asking:
        for row in unasked_rows():
            found = await outcome_of_chromium(row, asking, folder)
            rows.append(structs.replace(row, chromium=found))
    write_outcomes({row.name: row.chromium for row in rows})
    print(*table(GROUPS, rows), sep="\n")
    said = await outcomes(rows, lambda row: outcome_of_probe(row, folder), 1)
    print(*differing(rows, said), sep="\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(_main(Path(place)))
