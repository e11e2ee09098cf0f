"""The table of real TURN servers in docs/browser.md: `python -m tests.browser.interop_table`."""

import asyncio
import tempfile
from pathlib import Path

from tests.browser.browser import Browser, browser
from tests.browser.interop import Cell, Seen, cells, look
from tests.browser.scenarios import spki
from tests.servers.certificate import LOOPBACK, Certificate, make_certificate
from tests.servers.turn.turn_servers import PRODUCTS, TurnProduct

PAGE = Path(__file__).parent.parent.parent / "docs" / "browser.md"
HEADER = "| server | by | situation | probe | turnutils_uclient | Chromium | why |"
AT_A_TIME = 3


async def all_of(product: TurnProduct, folder: Path, certificate: Certificate) -> list[Seen]:
    """Every row of one product, a few at a time."""
    flag = f"--ignore-certificate-errors-spki-list={spki(certificate)}"
    slots = asyncio.Semaphore(AT_A_TIME)
    async with browser(folder, flag) as page:

        async def one(number: int, cell: Cell, page: Browser) -> Seen:
            own = folder / str(number)
            own.mkdir()
            async with slots:
                return await look(cell, own, certificate, page)

        found = cells(product)
        return await asyncio.gather(*(one(*each, page) for each in enumerate(found)))


def row(seen: Seen) -> str:
    cell = seen.cell
    said = (seen.probe, seen.uclient, seen.chromium, seen.why)
    return f"| {' | '.join((cell.product.name, cell.way, cell.situation, *said))} |"


async def _rows() -> list[str]:
    """All rows, one server after the other."""
    found = []
    for product in PRODUCTS:
        with tempfile.TemporaryDirectory() as folder:
            certificate = make_certificate(Path(folder), names=LOOPBACK)
            found += await all_of(product, Path(folder), certificate)
    return [row(each) for each in found]


def main() -> None:
    """Write the rows into the page, in place of those that are there."""
    rows = asyncio.run(_rows())
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = lines.index(HEADER) + 2
    end = next(at for at in range(start, len(lines) + 1) if not "".join(lines[at : at + 1]))
    PAGE.write_text("\n".join([*lines[:start], *rows, *lines[end:], ""]), encoding="utf-8")
    print("\n".join([HEADER, *rows]))


if __name__ == "__main__":
    main()
