"""One odd TURN or STUN server of the rows: Chromium, and the checks."""

import json

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.runner import run_check
from probe.kinds import call, stun, turn
from tests.browser.browser import Browser, Server
from tests.browser.odd.battery.turn_rows import RelayRow
from tests.browser.odd.compare_turn import ECHO_PAUSE, PATIENCE, in_words
from tests.servers.chromium import Tab
from tests.turn.bends import PASSWORD, USERNAME
from tests.turn.bent_server import bent_server
from tests.turn.odd.verdict import verdict

OK = "ok"
GROUPS = "group of odd relays"
_STUN_DEADLINE = 12


async def call_in_chromium(row: RelayRow, page: Browser) -> str:
    """How far a call between two pages by this server comes."""
    count = int(row.seconds / ECHO_PAUSE)
    async with bent_server(row.bends()) as server:
        servers = [Server([server.url(row.way)], USERNAME, PASSWORD)]
        return in_words(await page.call(servers, echoes=count, limit=PATIENCE), count)


async def verdicts(row: RelayRow) -> str:
    """``ok`` where both ``turn`` and ``call`` are; else their causes."""
    found = []
    for kind in (turn.KIND, call.KIND):
        async with bent_server(row.bends()) as server:
            found.append(await verdict(kind, server, row.way))
    return OK if found == [OK, OK] else ", ".join(found)


async def gathered_in_chromium(row: RelayRow, tab: Tab) -> str:
    """``candidate``, or ``none``."""
    async with bent_server(row.bends()) as server:
        url = f"stun:{server.host}:{server.port}"
        return str(await tab.evaluate(f"gather({json.dumps(url)})"))


async def binding_verdict(row: RelayRow) -> str:
    """The cause of ``stun``'s failure, or ``ok``."""
    async with bent_server(row.bends()) as server:
        table = {"name": "s", "url": f"stun:{server.host}:{server.port}"}
        check = Check(
            stun.KIND, stun.KIND.table.model_validate({**table, "deadline": _STUN_DEADLINE})
        )
        result = await run_check(check, Context())
    return result.failure.cause.value if result.failure else OK
