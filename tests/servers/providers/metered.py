"""Metered's REST API as it is documented, as far as credentials and usage of TURN go.

https://www.metered.ca/docs/turn-rest-api/get-current-usage
https://www.metered.ca/docs/turn-rest-api/get-credential
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

KEY = "m3tered-secret-key"
API_KEY = "m3tered-api-key"


@dataclass
class Metered:
    """One app's account; ``answer`` replaces the next answers by (status, body), ``servers``
    is what a credential gives."""

    quota: float = 150.0
    usage: float = 45.12
    overage: float = 0.0
    answer: tuple[int, str] | None = None
    hangs: bool = False
    url: str = ""
    servers: Sequence[Mapping[str, Any]] = ()
    asked: list[Mapping[str, str]] = field(default_factory=list)
    _end: asyncio.Event = field(default_factory=asyncio.Event)

    async def credentials(self, request: web.Request) -> web.Response:
        """GET /api/v1/turn/credentials?apiKey=…"""
        replaced = await self._instead(request)
        if replaced is not None:
            return replaced
        if "apiKey" not in request.query:
            return web.json_response({"message": "API Key is required"}, status=400)
        if request.query["apiKey"] != API_KEY:
            return web.json_response({"message": "Invalid API Key"}, status=401)
        return web.json_response(list(self.servers))

    async def _instead(self, request: web.Request) -> web.Response | None:
        self.asked.append(dict(request.query))
        if self.hangs:
            await self._end.wait()
        if self.answer is None:
            return None
        status, body = self.answer
        return web.Response(status=status, text=body, content_type="application/json")

    async def current_usage(self, request: web.Request) -> web.Response:
        """GET /api/v1/turn/current_usage?secretKey=…"""
        replaced = await self._instead(request)
        if replaced is not None:
            return replaced
        if request.query.get("secretKey") != KEY:
            return web.json_response({"message": "Invalid Secret Key"}, status=401)
        document: dict[str, Any] = {
            "quotaInGB": self.quota,
            "usageInGB": self.usage,
            "overageInGB": self.overage,
        }
        return web.json_response(document)


@asynccontextmanager
async def metered(**changes: Any) -> AsyncIterator[Metered]:
    """The API, on a port of its own."""
    account = Metered(**changes)
    app = web.Application()
    app.router.add_get("/api/v1/turn/current_usage", account.current_usage)
    app.router.add_get("/api/v1/turn/credentials", account.credentials)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    account.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield account
    finally:
        account._end.set()
        await runner.cleanup()
