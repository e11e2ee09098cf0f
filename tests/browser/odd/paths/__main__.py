"""``python -m tests.browser.odd.paths``: ask Chromium about all rows, and print the table.

``… WORD`` asks only about rows with this word in their group or name; ``… new`` about new ones.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from msgspec import structs

from tests.browser.browser import browser
from tests.browser.odd.paths.compare import GROUPS, call_in_chromium
from tests.browser.odd.paths.row import PathRow
from tests.browser.odd.paths.rows import kept_outcomes, unasked_rows, write_outcomes
from tests.browser.odd_rows import outcomes, table
from tests.browser.scenarios import spki
from tests.servers.certificate import make_certificate

AT_ONCE = 16
"""They wait more than they work."""


async def _main(word: str) -> None:
    kept, rows = kept_outcomes(), list(unasked_rows())

    def is_meant(row: PathRow) -> bool:
        return row.name not in kept if word == "new" else word in f"{row.group}: {row.name}"

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate = make_certificate(folder)
        flag = f"--ignore-certificate-errors-spki-list={spki(certificate)}"
        async with browser(folder, flag) as page:

            async def ask(row: PathRow) -> str:
                kept[row.name] = found = await call_in_chromium(row, page, certificate)
                write_outcomes({each.name: kept[each.name] for each in rows if each.name in kept})
                return found

            await outcomes([row for row in rows if is_meant(row)], ask, AT_ONCE)
    print("\n".join(table(GROUPS, [structs.replace(r, chromium=kept[r.name]) for r in rows])))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1] if sys.argv[1:] else ""))
