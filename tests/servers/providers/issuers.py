"""The APIs of Cloudflare, Twilio and Xirsys that issue TURN credentials, and one by the REST draft,
as they are documented.

https://developers.cloudflare.com/realtime/turn/generate-credentials/
https://www.twilio.com/docs/stun-turn/api
https://docs.xirsys.com/?pg=api-turn
https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BasicAuth, web

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
CHANNEL = "paircam"
KEY = "1ssuer-secret-key"
STUN = "stun:stun.example.org:3478"


@dataclass
class Issuers:
    """All four at one address; ``answer`` replaces the next answers by (status, body, headers),
    ``urls``, ``username`` and ``credential`` are what they issue, for ``ttl`` seconds."""

    urls: Sequence[str] = ()
    username: str = "probe"
    credential: str = ""
    ttl: int = 3600
    answer: tuple[int, str] | tuple[int, str, Mapping[str, str]] | None = None
    hangs: bool = False
    url: str = ""
    asked: list[str] = field(default_factory=list)
    _end: asyncio.Event = field(default_factory=asyncio.Event)

    async def cloudflare(self, request: web.Request) -> web.Response:
        """POST /v1/turn/keys/ID/credentials/generate-ice-servers; the key is a bearer token."""
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"errors": ["Unauthorized"]}, status=401)
        if request.match_info["id"] != ACCOUNT or not isinstance(
            (await request.json())["ttl"], int
        ):
            return web.json_response({"errors": ["Bad Request"]}, status=400)
        document = {"iceServers": [{"urls": [STUN, "stun:stun.example.org:53"]}, self._entry()]}
        return web.json_response(document, status=201)

    async def twilio(self, request: web.Request) -> web.Response:
        """POST /2010-04-01/Accounts/SID/Tokens.json; account and token by Basic authentication."""
        if not _has_login(request, ACCOUNT):
            document = {"code": 20003, "message": "Authenticate", "status": 401}
            return web.json_response(document, status=401)
        asked = await request.post()
        if request.match_info["sid"] != ACCOUNT or not str(asked.get("Ttl", "")).isdigit():
            return web.json_response({"code": 20404, "status": 404}, status=404)
        document = {
            "username": self.username,
            "password": self.credential,
            "ttl": str(self.ttl),
            "account_sid": ACCOUNT,
            "date_created": "Thu, 26 Nov 2026 10:00:00 +0000",
            "ice_servers": [
                {"url": STUN, "urls": STUN},
                *({**self._entry(), "url": url, "urls": url} for url in self.urls),
            ],
        }
        return web.json_response(document, status=201)

    async def xirsys(self, request: web.Request) -> web.Response:
        """PUT /_turn/CHANNEL; ident and secret by Basic authentication. Refusals have 200."""
        if not _has_login(request, ACCOUNT):
            return web.json_response({"s": "error", "v": "unauthorized"})
        if request.match_info["channel"] != CHANNEL or (await request.json())["format"] != "urls":
            return web.json_response({"s": "error", "v": "path_not_found"})
        entry = self._entry()
        entry["urls"] = [STUN, *self.urls]
        return web.json_response({"s": "ok", "v": {"iceServers": entry}})

    async def turn_rest(self, request: web.Request) -> web.Response:
        """GET /turn?service=turn&username=…&key=…"""
        if request.query.get("key") != KEY:
            return web.json_response({"error": "wrong key"}, status=403)
        if request.query.get("service") != "turn" or not request.query.get("username"):
            return web.json_response({"error": "which service?"}, status=400)
        document = {
            "username": self.username,
            "password": self.credential,
            "ttl": self.ttl,
            "uris": list(self.urls),
        }
        return web.json_response(document)

    def _entry(self) -> dict[str, Any]:
        return {
            "urls": list(self.urls),
            "username": self.username,
            "credential": self.credential,
        }

    @web.middleware
    async def instead(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """What a test wants to be answered, else what the API answers."""
        self.asked.append(f"{request.method} {request.path}")
        if self.hangs:
            await self._end.wait()
        if self.answer is not None:
            status, body, *headers = self.answer
            return web.Response(status=status, text=body, headers=headers[0] if headers else None)
        found: web.StreamResponse = await handler(request)
        return found


def _has_login(request: web.Request, user: str) -> bool:
    try:
        login = BasicAuth.decode(request.headers.get("Authorization", ""))
    except ValueError:
        return False
    # A key of an account, as Twilio has them, counts as the account.
    return login.password == KEY and login.login in (user, "SK1")


@asynccontextmanager
async def issuers(**changes: Any) -> AsyncIterator[Issuers]:
    """The APIs, on a port of their own."""
    found = Issuers(**changes)
    app = web.Application(middlewares=[found.instead])
    app.router.add_post("/v1/turn/keys/{id}/credentials/generate-ice-servers", found.cloudflare)
    app.router.add_post("/2010-04-01/Accounts/{sid}/Tokens.json", found.twilio)
    app.router.add_put("/_turn/{channel:.+}", found.xirsys)
    app.router.add_get("/turn", found.turn_rest)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        found._end.set()
        await runner.cleanup()
