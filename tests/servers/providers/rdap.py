"""A registry's RDAP server and IANA's bootstrap file, over a real socket."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


def registered(expires: str, *status: str) -> dict[str, Any]:
    """A domain's object as RFC 9083 has it, as far as it is read."""
    card = ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Registrar of Tests"]]]
    return {
        "objectClassName": "domain",
        "status": list(status),
        "events": [
            {"eventAction": "registration", "eventDate": "2001-01-01T00:00:00Z"},
            {"eventAction": "expiration", "eventDate": expires},
        ],
        "entities": [
            {"roles": ["abuse"]},
            {"roles": ["registrar"], "vcardArray": card},
        ],
    }


@dataclass
class Rdap:
    """``domains`` are what the registry knows; ``answer`` replaces every answer by (status, text);
    ``moved`` sends each question to another path first."""

    domains: Mapping[str, Any] = field(default_factory=dict)
    services: Any = None
    answer: tuple[int, str] | None = None
    moved: bool = False
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def bootstrap(self, request: web.Request) -> web.Response:
        """IANA's file (RFC 9224)."""
        self.asked.append(request.path)
        services = [[["test"], [f"{self.url}/rdap/"]]] if self.services is None else self.services
        return web.json_response({"version": "1.0", "services": services})

    async def domain(self, request: web.Request) -> web.Response:
        """GET /domain/NAME (RFC 9082, 3.1.3)."""
        self.asked.append(request.path)
        name = request.match_info["name"]
        if self.answer is not None:
            return web.Response(status=self.answer[0], text=self.answer[1])
        if self.moved and request.path.startswith("/rdap/"):
            raise web.HTTPFound(f"{self.url}/elsewhere/domain/{name}")
        if name not in self.domains:
            return web.json_response({"errorCode": 404}, status=404)
        found = self.domains[name]
        return web.json_response(found, content_type="application/rdap+json")


@asynccontextmanager
async def rdap(**options: Any) -> AsyncIterator[Rdap]:
    """Run one until the block ends."""
    server, app = Rdap(**options), web.Application()
    app.router.add_get("/dns.json", server.bootstrap)
    app.router.add_get("/rdap/domain/{name}", server.domain)
    app.router.add_get("/elsewhere/domain/{name}", server.domain)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
