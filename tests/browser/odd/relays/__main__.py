"""``python -m tests.browser.odd.relays``: ask Chromium again, and keep what it made of each."""

import asyncio
import tempfile
from pathlib import Path

from tests.browser.browser import browser
from tests.browser.odd.relays.compare import call_in_chromium
from tests.browser.odd.relays.rows import unasked_relays, write_outcomes
from tests.browser.odd_rows import outcomes
from tests.browser.scenarios import spki
from tests.servers.certificate import make_certificate


async def main() -> None:
    """All rows, some at a time."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder))
        flag = f"--ignore-certificate-errors-spki-list={spki(certificate)}"
        async with browser(Path(folder), flag) as page:
            rows = list(unasked_relays())
            found = await outcomes(rows, lambda row: call_in_chromium(row, page, certificate))
    write_outcomes({row.name: found[row.name] for row in rows})


if __name__ == "__main__":
    asyncio.run(main())
