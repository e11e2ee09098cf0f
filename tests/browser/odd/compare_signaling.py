"""One odd Socket.IO server, two clients: socket.io-client on a page in Chromium, and the check."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from msgspec import structs

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.runner import run_check
from probe.kinds.signaling import KIND
from tests import requirements
from tests.browser.odd.signaling_rows import OF_THE_PAGE, OddSession
from tests.browser.odd.signaling_server import SignalingBends, odd_signaling
from tests.servers.chromium import Chromium, Tab

HEADER = ("Socket.IO server", "socket.io-client in Chromium", "`signaling`", "why")
LIMIT = 5000
"""Milliseconds after which a page has heard nothing."""
_LIBRARY = "socket.io-client/dist/socket.io.min.js"
_TESTS = Path(__file__).parents[2]
_PAGE = """<!doctype html><title>session</title><script src="{}"></script><script>{}</script>"""


def row(session: OddSession) -> str:
    """The line of the table in docs/browser.md."""
    probe = session.probe if session.probe == "ok" else f"`{session.probe}`"
    return f"| {' | '.join((session.name, session.chromium, probe, session.why))} |"


def document_with(client: str = "/client.js") -> str:
    """The page, with socket.io-client from this address."""
    script = Path(__file__).with_name("socket.js").read_text(encoding="utf-8")
    return _PAGE.format(client, script)


@asynccontextmanager
async def page(folder: Path, *flags: str) -> AsyncIterator[tuple[Tab, str]]:
    """A tab on a page with socket.io-client, and the page's origin; Chromium has further flags."""
    library = _TESTS / "servers" / "node" / "node_modules" / _LIBRARY
    if not library.exists():
        requirements.missing("socket.io", f"no {_LIBRARY}")

    async def document(_: web.Request) -> web.Response:
        return web.Response(text=document_with(), content_type="text/html")

    async def client(_: web.Request) -> web.Response:
        text = library.read_text(encoding="utf-8")
        return web.Response(text=text, content_type="text/javascript")

    app = web.Application()
    app.add_routes([web.get("/", document), web.get("/client.js", client)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with Chromium(folder, *flags) as chromium, await chromium.tab() as tab:
            await tab.open(f"{origin}/")
            yield tab, origin
    finally:
        await runner.cleanup()


async def experienced(session: OddSession, tab: Tab, origin: str) -> str:
    """What the page says."""
    async with odd_signaling(_of_page(session.bends, origin)) as url:
        named = url.replace("127.0.0.1", session.host)
        return await said_of_page(tab, named, session.options, session.hold)


async def said_of_page(
    tab: Tab, url: str, options: dict[str, Any], hold: int = 100, limit: int = LIMIT
) -> str:
    """How a session with this server goes on the page; ``hold`` and ``limit`` are in
    milliseconds."""
    order = {"url": url, "options": options, "limit": limit, "hold": hold}
    return str((await tab.evaluate(f"session({json.dumps(order)})"))["said"])


async def transport_of_page(tab: Tab, url: str, options: dict[str, Any]) -> str:
    """What a session with this server goes by on the page, a while after it is ready."""
    order = {"url": url, "options": options, "limit": LIMIT, "hold": 1000}
    return str((await tab.evaluate(f"session({json.dumps(order)})"))["transport"])


async def verdict(session: OddSession, origin: str) -> str:
    """The cause of the check's failure, or ``ok``."""
    async with odd_signaling(_of_page(session.bends, origin)) as url:
        first = session.options.get("transports", ["polling"])[0]
        named = url.replace("127.0.0.1", session.host)
        return await cause_of(named, origin=origin, transport=first, **session.table)


async def cause_of(url: str, **table: Any) -> str:
    """What ``signaling`` says of the server there: the cause of its failure, or ``ok``."""
    given = {"name": "signaling", "url": url, "jwt_secret": "x" * 40, "deadline": 6, **table}
    context = Context()
    result = await run_check(Check(KIND, KIND.table.model_validate(given)), context)
    await context.closing.drain(timeout=2)
    return result.failure.cause.value if result.failure else "ok"


def _of_page(bends: SignalingBends, origin: str) -> SignalingBends:
    cors = {name: value.replace(OF_THE_PAGE, origin) for name, value in bends.cors.items()}
    return structs.replace(bends, cors=cors)
