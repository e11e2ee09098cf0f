"""Ask Chromium about all rows anew, keep what it says, and print the table and the differences.

``python -m tests.browser.http.battery``, in about three minutes.
"""

import asyncio
import tempfile
from pathlib import Path

from tests.browser.http.battery import compare
from tests.browser.http.battery.rows import all_rows, seen_by_chromium, write_outcomes
from tests.browser.odd_rows import differing, outcomes, table


async def _main(folder: Path) -> None:
    rows = []
    async with compare.tab(folder) as asking:
        for row in all_rows():
            outcome = await compare.outcome_of_chromium(row, asking, folder)
            if outcome != row.chromium:
                print(f"{row.name}: was {row.chromium}, is {outcome}")
            rows.append(seen_by_chromium(row, outcome))
    write_outcomes(rows)
    print(*table(compare.GROUPS, rows), sep="\n")
    found = await outcomes(rows, lambda row: compare.outcome_of_probe(row, folder))
    print(*differing(rows, found), sep="\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(_main(Path(place)))
