"""``make screenshots``: the pictures of the documentation, from the pages' samples, and every state
of the status pages in both widths and colour schemes, to be looked at.
"""

import asyncio
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from tests.report.html.documents import DOCUMENTS
from tests.servers.chromium import Chromium

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "images"
# Every state goes here; git ignores it.
ALL = ROOT / "build" / "screenshots"
PHONE_HEIGHT = 844


class Picture(Struct, frozen=True):
    """``page`` is one of ``DOCUMENTS``, ``height`` that of the window; 0 is the whole page."""

    file: Path
    page: str
    width: int
    height: int = 0
    scheme: str = "light"


PICTURES = (
    Picture(FOLDER / "status-page.png", "backend-down", 1000, 760),
    Picture(FOLDER / "status-page-phone.png", "frozen", 390, PHONE_HEIGHT, "dark"),
    Picture(FOLDER / "public-page.png", "public-outage", 1000, 800),
    Picture(FOLDER / "check-page.png", "check", 1000, 1100),
    Picture(FOLDER / "incident-page.png", "incident", 1000, 900, "dark"),
)
STATES = (
    "well",
    "backend-down",
    "transport-down",
    "frozen",
    "maintenance",
    "public",
    "public-outage",
    "check",
    "incident",
    "provider",
)


def every_state() -> Iterator[Picture]:
    """Each state in each width and colour scheme, as a whole."""
    for state, width, scheme in itertools.product(STATES, (1280, 390), ("light", "dark")):
        yield Picture(ALL / f"{state}-{width}-{scheme}.png", state, width, scheme=scheme)


async def take(chromium: Chromium, picture: Picture, work: Path) -> None:
    """One picture; says how large the page is."""
    document, _ = DOCUMENTS[picture.page]()
    written = work / "page.html"
    written.write_text(document, encoding="utf-8")
    async with await chromium.tab() as tab:
        await tab.screen(picture.width, picture.height or PHONE_HEIGHT, scheme=picture.scheme)
        await tab.open(written.as_uri())
        height = await tab.evaluate("document.documentElement.scrollHeight")
        beyond = await tab.evaluate("document.documentElement.scrollWidth - innerWidth")
        picture.file.write_bytes(await tab.screenshot(whole=not picture.height))
    size = (
        f"{len(document.encode()):,} bytes, {height} px high ({height / PHONE_HEIGHT:.1f} screens)"
    )
    print(f"{picture.file.name}: {size}" + (f", {beyond} px too wide" if beyond > 0 else ""))


async def main() -> None:
    """Take them all."""
    FOLDER.mkdir(exist_ok=True)
    ALL.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        async with Chromium(Path(work), "--hide-scrollbars") as chromium:
            for picture in (*PICTURES, *every_state()):
                await take(chromium, picture, Path(work))


if __name__ == "__main__":
    asyncio.run(main())
