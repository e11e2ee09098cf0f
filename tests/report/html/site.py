"""A server with all pages, as the daemon serves them; it can fall silent, refuse, and come back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from probe.report.html.templates import script

Pages = Mapping[str, Callable[[], tuple[str, str]]]


@dataclass
class Site:
    """``status`` is what pages are answered with; while ``hangs``, they are not answered."""

    pages: Pages
    address: str = ""
    status: int = 200
    hangs: bool = False
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def show(self, request: web.Request) -> web.Response:
        """A page with its policy."""
        if self.hangs:
            await self.closing.wait()
        document, policy = self.pages[request.match_info["name"]]()
        headers = {"Content-Security-Policy": policy}
        return web.Response(
            status=self.status, text=document, content_type="text/html", headers=headers
        )

    async def send_script(self, request: web.Request) -> web.Response:
        """The pages' script."""
        return web.Response(body=script(), content_type="text/javascript")

    async def send_nothing(self, request: web.Request) -> web.StreamResponse:
        """Events of a daemon where nothing changes."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": nothing\n\n")
        await self.closing.wait()
        return response


@asynccontextmanager
async def serving(pages: Pages) -> AsyncIterator[Site]:
    """The server on a port of its own, until the end of the block."""
    site = Site(pages)
    app = web.Application()
    app.router.add_get("/page.js", site.send_script)
    app.router.add_get("/events", site.send_nothing)
    app.router.add_get("/show/{name}", site.show)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield site
    finally:
        site.closing.set()
        await runner.cleanup()
