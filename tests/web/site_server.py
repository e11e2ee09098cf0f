"""A server of the pages with boards made by hand, whose state a test changes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from pydantic import SecretStr

from probe.history.incidents.model import Incident
from probe.report.board import CheckDetails, StatusBoard
from probe.report.html.public_page import PublicBranding
from probe.report.status import Overview
from probe.web.access import Access
from probe.web.http_server import ServedApplication, WebServer
from probe.web.pages import PageData, Pages
from probe.web.security import WebSecurity
from probe.web.site.public_site import PublicPages, PublicSite
from probe.web.site.web_site import SiteData
from tests.report import board_samples as boards
from tests.report import check_samples

LOOK = PublicBranding("PairCam status")
USER, PASSWORD = "eva", "word-of-mine"
LOGIN = {"Authorization": "Basic ZXZhOndvcmQtb2YtbWluZQ=="}


async def _metrics(_: str | None) -> tuple[bytes, str]:
    return b"up 1\n", "text/plain"


@dataclass
class Source:
    """``board`` is what the pages show; ``change`` makes it another. ``made`` counts how often
    they asked."""

    board: StatusBoard = field(default_factory=boards.well)
    revision: int = 1
    made: int = 0

    def change(self, board: StatusBoard) -> None:
        """From now on this is shown."""
        self.board, self.revision = board, self.revision + 1

    async def overview(self) -> Overview:
        """What status.json and the badge show."""
        return self.board.overview

    async def make(self) -> StatusBoard:
        """What the pages show."""
        self.made += 1
        return self.board

    async def details(self, board: StatusBoard, name: str, seconds: float) -> CheckDetails | None:
        """A check's page."""
        known = [row.name for row in board.overview.rows]
        return check_samples.details(name, board) if name in known else None

    async def incident(self, name: str) -> Incident | None:
        """An incident's page."""
        found = [each for each in (*self.board.open, *self.board.recent) if each.id == name]
        return found[0] if found else None

    def pages(self, access: Access | None = None, base: str = "/status") -> Pages:
        """The application; the public page is next to it, at ``base``."""
        public = PublicSite(self.make, lambda: self.revision, LOOK, base)
        site = SiteData(
            self.make,
            lambda: self.revision,
            lambda slug: ("A title", "Text.") if slug == "any-check" else None,
            lambda: [("any-check", "A title")],
            self.details,
            self.incident,
        )
        data = PageData(
            self.overview,
            lambda: self.revision,
            _metrics,
            site.runbook,
            lambda: "",
            site=site,
            public=public,
        )
        return Pages(data, access or Access())


def closed(source: Source) -> Pages:
    """The same behind a login, but for the public page."""
    paths = PublicSite(source.make, lambda: 0, LOOK, "/status").paths
    return source.pages(Access(USER, SecretStr(PASSWORD), open_paths=paths))


def public_alone(source: Source) -> PublicPages:
    """The public page on a port of its own."""
    site = PublicSite(source.make, lambda: source.revision, LOOK)
    return PublicPages(site, WebSecurity())


@asynccontextmanager
async def served(
    pages: ServedApplication, port: int = 0
) -> AsyncIterator[tuple[aiohttp.ClientSession, WebServer]]:
    """A server, and a client of it."""
    server = WebServer(pages, ("127.0.0.1", port))
    await server.start()
    url = f"http://127.0.0.1:{server.address[1]}"
    try:
        async with aiohttp.ClientSession(base_url=url, auto_decompress=False) as client:
            yield client, server
    finally:
        await server.stop()
