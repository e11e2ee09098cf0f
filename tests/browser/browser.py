"""What a browser experiences: one call in Chromium, on a page that is served on loopback."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from msgspec import Struct

from tests.servers.chromium import Chromium, Tab

SCRIPT = Path(__file__).with_name("call.js")
PAGE = "<!doctype html><title>call</title><script>{}</script>"


class Server(Struct, frozen=True):
    """One entry of RTCConfiguration.iceServers."""

    urls: Sequence[str]
    username: str
    credential: str


class Experience(Struct, frozen=True):
    """What the page has seen. Times are in seconds from the start of gathering."""

    report: dict[str, Any]

    def reached(self, side: str) -> dict[str, float]:
        """The phases that ``offering`` or ``answering`` has reached."""
        return {phase: at / 1000 for phase, at in self.report[side]["times"].items()}

    @property
    def opened(self) -> bool:
        """Whether the data channel was open on both sides."""
        return all("opened" in self.report[side]["times"] for side in ("offering", "answering"))

    @property
    def rtts(self) -> list[float]:
        """Round trips of the echoes that came back."""
        return [each / 1000 for each in self.report["rtts"]]

    @property
    def error_codes(self) -> list[int]:
        """``icecandidateerror``: STUN's codes, 701 where the server was not reached."""
        return sorted({error["code"] for error in self.report["offering"]["errors"]})

    @property
    def words(self) -> str:
        """How far the call came."""
        offering, answering = (self.report[side] for side in ("offering", "answering"))
        if not (offering["candidates"] and answering["candidates"]):
            codes = ", ".join(str(code) for code in self.error_codes)
            return f"no relay candidate (error {codes})" if codes else "no relay candidate"
        reached = offering["times"]
        for phase, words in (
            ("ice", "ICE does not connect"),
            ("dtls", "DTLS does not connect"),
            ("opened", "the data channel does not open"),
        ):
            if phase not in reached:
                return words
        return "connected" if self.report["rtts"] else "connected, and no echo comes back"


class Browser:
    """A Chromium with a page that can call."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab

    async def call(
        self, servers: Sequence[Server], *, echoes: int = 10, limit: float = 20.0
    ) -> Experience:
        """One call; ``limit`` is how many seconds it may take to be set up."""
        order = {
            "servers": [
                {"urls": list(each.urls), "username": each.username, "credential": each.credential}
                for each in servers
            ],
            "echoCount": echoes,
            "limit": limit * 1000,
        }
        return Experience(await self._tab.evaluate(f"call({json.dumps(order)})"))


@asynccontextmanager
async def browser(directory: Path, *flags: str) -> AsyncIterator[Browser]:
    """Chromium with further flags, its page open."""
    async with opened(directory, SCRIPT, *flags) as tab:
        yield Browser(tab)


@asynccontextmanager
async def opened(directory: Path, script: Path, *flags: str) -> AsyncIterator[Tab]:
    """A tab of a Chromium with further flags, on a page with this script."""
    async with (
        Chromium(directory, *flags) as chromium,
        await chromium.tab() as tab,
        page_with(tab, script),
    ):
        yield tab


@asynccontextmanager
async def page_with(tab: Tab, script: Path, *routes: web.RouteDef) -> AsyncIterator[None]:
    """Open a page with this script, which may ask for ``routes``."""
    text = _page_with(script)

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", page), *routes])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        await tab.open(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        yield
    finally:
        await runner.cleanup()


def _page_with(script: Path) -> str:
    return PAGE.format(script.read_text(encoding="utf-8"))
