"""``python -m tests.browser.odd.battery``: ask Chromium about all rows, and print the tables.

``… signaling`` and ``… relays`` do one half.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from msgspec import structs

from tests.browser.browser import browser, opened
from tests.browser.odd.battery import compare, compare_turn
from tests.browser.odd.battery.compare import outcome_of_chromium, with_outcome
from tests.browser.odd.battery.compare_turn import call_in_chromium, gathered_in_chromium
from tests.browser.odd.battery.rows import Row, signaling_rows, websocket_rows, write_outcomes
from tests.browser.odd.battery.turn_rows import RelayRow, stun_rows, turn_rows
from tests.browser.odd.compare_signaling import page
from tests.browser.odd_rows import outcomes, table


async def _signaling(folder: Path) -> None:
    seen: list[Row] = []
    async with page(folder) as (tab, _):
        for name, rows in (("websocket", websocket_rows()), ("signaling", signaling_rows())):
            found = await outcomes(rows, lambda row: outcome_of_chromium(row, tab))
            write_outcomes(name, found)
            seen.extend(with_outcome(row, found[row.name]) for row in rows)
    print("\n".join(table(compare.GROUPS, seen)))


async def _relays(folder: Path) -> None:
    seen: list[RelayRow] = []
    (folder / "calls").mkdir()
    (folder / "stun").mkdir()
    async with browser(folder / "calls") as calling:
        for row in turn_rows():
            seen.append(structs.replace(row, chromium=await call_in_chromium(row, calling)))
    write_outcomes("turn", {row.name: row.chromium for row in seen})
    async with opened(folder / "stun", Path(__file__).with_name("gather.js")) as tab:
        bindings = [
            structs.replace(row, chromium=await gathered_in_chromium(row, tab))
            for row in stun_rows()
        ]
    write_outcomes("stun", {row.name: row.chromium for row in bindings})
    print("\n".join(table(compare_turn.GROUPS, (*seen, *bindings))))


async def _main(halves: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, ask in (("signaling", _signaling), ("relays", _relays)):
            if not halves or name in halves:
                place = Path(folder) / name
                place.mkdir()
                await ask(place)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
