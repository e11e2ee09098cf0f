"""Pages in Chromium, and all kinds that open sessions, in front of the same gate."""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from probe.core.context import Context
from probe.core.kind import Check, Kind
from probe.core.runner import run_check
from probe.kinds import engineio, journey, resilience, signaling
from probe.load.plan import LoadPlan, with_needed
from tests.browser.odd.compare_signaling import document_with, said_of_page
from tests.browser.odd.pages.rows import OVER, PageRow
from tests.browser.odd.pages.server import JWT_SECRET, GatedBackend, gated_backend
from tests.load.loading import generator
from tests.servers.chromium import Tab

GROUPS = "group of gates"
ELSEWHERE = "http://127.0.0.1:9"
OK = "ok"
# Where a journey is that has its sessions: the backend lets nobody into its queue.
_QUEUED = "queue"


async def outcome_of_chromium(row: PageRow, tab: Tab, origin: str) -> str:
    """What the two pages say, in the order of ``OVER``."""
    found = []
    async with _behind(row, origin) as backend:
        await tab.open(f"{backend.url}/page" if row.at_home else f"{origin}/")
        auth = {"token": f"Bearer {backend.tokens.issue('page', time.time())}"}
        for over in OVER:
            transports = ["polling", "websocket"] if over == "polling" else [over]
            options = {"transports": transports, "auth": auth, "extraHeaders": {**row.headers}}
            found.append(await said_of_page(tab, backend.url, options))
    return "; ".join(found)


async def outcome_of_probe(row: PageRow) -> str:
    """``ok``, or the cause that ``signaling`` finds."""
    async with _behind(row, ELSEWHERE) as backend:
        return (await of_signaling(row, backend)).partition(":")[0]


async def verdicts(row: PageRow) -> Mapping[str, str]:
    """By kind ``ok``, or cause and message."""
    async with _behind(row, ELSEWHERE) as backend:
        kinds = WITH_HEADERS if row.headers else KINDS
        return {kind: await KINDS[kind](row, backend) for kind in kinds}


async def by_polling(row: PageRow) -> str:
    """The same of ``signaling`` that begins with polling."""
    async with _behind(row, ELSEWHERE) as backend:
        return await _run(signaling.KIND, {**_table(row, backend), "transport": "polling"})


def _behind(row: PageRow, origin: str) -> AbstractAsyncContextManager[GatedBackend]:
    return gated_backend(
        row.gate, None if row.at_home else origin, lambda: document_with(f"{origin}/client.js")
    )


async def of_signaling(row: PageRow, backend: GatedBackend) -> str:
    """A session by WebSocket."""
    return await _run(signaling.KIND, _table(row, backend))


async def of_engineio(row: PageRow, backend: GatedBackend) -> str:
    """A session without a token."""
    table = _table(row, backend)
    table.pop("jwt_secret")
    return await _run(engineio.KIND, table)


async def of_journey(row: PageRow, backend: GatedBackend) -> str:
    """As far as the sessions of its two users."""
    return await _run(journey.KIND, _table(row, backend), until=_QUEUED)


async def of_resilience(row: PageRow, backend: GatedBackend) -> str:
    """A session that is lost for a moment."""
    table = _table(row, backend)
    table["backend_url"] = table.pop("url")
    return await _run(resilience.KIND, {**table, "part": "signaling", "losses": (0.1, 0.1)})


async def of_load(row: PageRow, backend: GatedBackend) -> str:
    """One user of ``probe load``."""
    plan = LoadPlan(users=1, duration=0.1, think=9.0, steps=with_needed(["session"]))
    environment = {
        "BACKEND_URL": backend.url,
        "FRONTEND_URL": backend.page,
        "JWT_SECRET": JWT_SECRET,
    }
    found = await generator(environment, plan, context=Context(), owns_target=True).run()
    said = (f"{each.cause.value}: {message}" for each, message in found.messages.items())
    return next(said, OK)


KINDS: Mapping[str, Callable[[PageRow, GatedBackend], Awaitable[str]]] = {
    "signaling": of_signaling,
    "engineio": of_engineio,
    "journey": of_journey,
    "resilience": of_resilience,
    "load": of_load,
}

WITH_HEADERS = ("signaling", "engineio")
"""Those that send headers of the page's choice."""


def _table(row: PageRow, backend: GatedBackend) -> dict[str, Any]:
    return {
        "name": "page",
        "url": backend.url,
        "jwt_secret": JWT_SECRET,
        "origin": backend.page,
        "deadline": 10,
        **({"extra_headers": row.headers} if row.headers else {}),
    }


async def _run(kind: Kind[Any, Any], table: dict[str, Any], until: str = "") -> str:
    context = Context()
    result = await run_check(Check(kind, kind.table.model_validate(table)), context)
    await context.closing.drain(timeout=5)
    failure = result.failure
    if failure is None or failure.phase == until:
        return OK
    return f"{failure.cause.value}: {failure.message}"
