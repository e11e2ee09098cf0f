"""``make screenshots``: the pictures of the documentation, from the pages' samples."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

from probe.report.html import page
from probe.report.status import Overview
from tests.report import status_samples as samples
from tests.servers.chromium import Chromium

FOLDER = Path(__file__).parent.parent / "docs" / "images"
# Name, sample, window, colour scheme.
PICTURES: tuple[tuple[str, Callable[[], Overview], tuple[int, int], str], ...] = (
    ("status-page", samples.outage, (1000, 630), "light"),
    ("status-page-phone", samples.outage, (390, 630), "dark"),
)


async def main() -> None:
    """Take them all."""
    with tempfile.TemporaryDirectory() as work:
        async with Chromium(Path(work), "--hide-scrollbars") as chromium:
            for name, sample, (width, height), scheme in PICTURES:
                document, _ = page.render(sample())
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
