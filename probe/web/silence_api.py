"""Silences over HTTP, as Alertmanager's API v2 has them: ``amtool silence`` speaks it too.

Reading needs what the pages need. Writing needs a token or a login in any case, even where the
pages are open, and JSON as content type, which no form of a foreign page can send.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web
from msgspec import Struct

SILENCES_PATH = "/api/v2/silences"
SILENCE_PATH = "/api/v2/silence/{name}"
_MAX_BODY = 65536
_NO_TOKEN = "Set PROBE_WEB_TOKEN: silences are not changed without one."


class Refused(Exception):
    """The silence is rejected; the text says why."""


class Silences(Struct, frozen=True):
    """What the page asks for: all silences as documents; one that is added (raises Refused),
    and the document that answers; one that is expired by its name (False: there is none)."""

    all: Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
    add: Callable[[object], Awaitable[Mapping[str, Any]]]
    expire: Callable[[str], Awaitable[bool]]


class SilenceApi:
    """The handlers; ``is_protected`` says whether there is a token or login at all."""

    def __init__(self, silences: Silences, is_protected: Callable[[], bool]) -> None:
        self._silences, self._is_protected = silences, is_protected

    def routes(self) -> list[web.RouteDef]:
        """What to add to an application."""
        return [
            web.get(SILENCES_PATH, self._list),
            web.post(SILENCES_PATH, self._add),
            web.get(SILENCE_PATH, self._one),
            web.delete(SILENCE_PATH, self._expire),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(list(await self._silences.all()))

    async def _one(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        for silence in await self._silences.all():
            if silence["id"] == name:
                return web.json_response(silence)
        return _problem(404, f"silence {name} not found")

    async def _add(self, request: web.Request) -> web.Response:
        if not self._is_protected():
            return _problem(403, _NO_TOKEN)
        if request.content_type != "application/json":
            return _problem(415, "send application/json")
        body = b""
        while more := await request.content.read(_MAX_BODY + 1):
            body += more
            if len(body) > _MAX_BODY:
                return _problem(413, "the body is too large")
        try:
            return web.json_response(await self._silences.add(json.loads(body)))
        except (ValueError, RecursionError) as error:
            return _problem(400, f"the body is not JSON: {type(error).__name__}")
        except Refused as error:
            return _problem(400, str(error))

    async def _expire(self, request: web.Request) -> web.Response:
        if not self._is_protected():
            return _problem(403, _NO_TOKEN)
        name = request.match_info["name"]
        if await self._silences.expire(name):
            return web.json_response({})
        return _problem(404, f"silence {name} not found")


def _problem(status: int, text: str) -> web.Response:
    """Alertmanager's errors are a JSON string."""
    return web.json_response(text, status=status)
