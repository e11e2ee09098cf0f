"""``make screenshots``: the pictures of the documentation, from the pages' samples."""

import asyncio
import tempfile
from pathlib import Path

from tests.report.html.documents import DOCUMENTS
from tests.servers.chromium import Chromium

FOLDER = Path(__file__).parent.parent / "docs" / "images"
# Name, page, window, colour scheme; a height of 0 is the whole page.
PICTURES: tuple[tuple[str, str, tuple[int, int], str], ...] = (
    ("status-page", "backend-down", (1000, 760), "light"),
    ("status-page-phone", "frozen", (390, 844), "dark"),
    ("public-page", "public-outage", (1000, 800), "light"),
    ("check-page", "check", (1000, 1100), "light"),
    ("incident-page", "incident", (1000, 900), "dark"),
)


async def main() -> None:
    """Take them all."""
    with tempfile.TemporaryDirectory() as work:
        async with Chromium(Path(work), "--hide-scrollbars") as chromium:
            for name, page, (width, height), scheme in PICTURES:
                document, _ = DOCUMENTS[page]()
                written = Path(work) / f"{name}.html"
                written.write_text(document, encoding="utf-8")
                async with await chromium.tab() as tab:
                    await tab.screen(width, height, scheme=scheme)
                    await tab.open(written.as_uri())
                    picture = await tab.screenshot(whole=False)
                (FOLDER / f"{name}.png").write_bytes(picture)
                print(f"{name}.png: {len(picture)} bytes")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    asyncio.run(main())
