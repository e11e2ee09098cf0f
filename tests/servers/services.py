"""Slack, PagerDuty and webhook takers: what they document, over a real socket, with failures.

They refuse what the real services refuse. ``fail`` is a script: one entry is used up by each
request, None lets it pass.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True)
class Failure:
    """How one request goes wrong: a status and body, after a delay; or the connection ends
    after the request was taken (``reset``)."""

    status: int = 500
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    reset: bool = False


class Service:
    """A service that takes documents; ``taken`` are those that it accepted, in order."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.seen: list[bytes] = []
        self.fail: deque[Failure | None] = deque()
        self.url = ""
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_post("/{path:.*}", self._take)
        # Who is kept waiting on purpose does not keep the test waiting.
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def until(self, count: int, seconds: float = 60.0) -> list[dict[str, Any]]:
        """Wait until so many documents were accepted."""
        async with asyncio.timeout(seconds):
            while len(self.taken) < count:
                self._news.clear()
                await self._news.wait()
        return self.taken

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append(body)
        failure = self.fail.popleft() if self.fail else None
        if failure is not None and not failure.reset:
            await asyncio.sleep(failure.delay)
            return web.Response(status=failure.status, text=failure.body, headers=failure.headers)
        response = self.answer(request, json.loads(body))
        self._news.set()
        if failure is not None and request.transport is not None:
            request.transport.abort()
        return response

    def answer(self, request: web.Request, document: Any) -> web.Response:
        """What the service says to a document; accepts everything unless overridden."""
        self.taken.append(document)
        return web.Response(text="ok")


def valid_blocks(document: Mapping[str, Any]) -> bool:
    """https://docs.slack.dev/reference/block-kit/blocks: what Slack checks of a message."""
    blocks = document.get("blocks", [])
    if not document.get("text") or len(blocks) > 50:
        return False
    limits = {"header": 150, "section": 3000}
    return all(0 < len(each["text"]["text"]) <= limits[each["type"]] for each in blocks)


class SlackWebhookService(Service):
    """An incoming webhook."""

    def answer(self, request: web.Request, document: Any) -> web.Response:
        """``ok``, or 400 invalid_payload."""
        if not valid_blocks(document):
            return web.Response(status=400, text="invalid_payload")
        return super().answer(request, document)


class SlackApi(Service):
    """``chat.postMessage`` and ``chat.update``; ``messages`` is what the channel shows."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token
        self.messages: dict[str, dict[str, Any]] = {}

    def answer(self, request: web.Request, document: Any) -> web.Response:
        """Always 200; errors are in the body."""
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if not valid_blocks(document):
            return web.json_response({"ok": False, "error": "invalid_blocks"})
        ts = document.get("ts")
        if request.path.endswith("chat.update"):
            if ts not in self.messages:
                return web.json_response({"ok": False, "error": "message_not_found"})
        else:
            ts = f"{1700000000 + len(self.messages)}.000100"
        self.messages[ts] = document
        super().answer(request, {**document, "method": request.path.rsplit("/", 1)[1]})
        return web.json_response({"ok": True, "channel": document["channel"], "ts": ts})


class PagerDutyService(Service):
    """Events API v2; ``incidents`` are the dedup keys that are open."""

    def __init__(self, routing_key: str) -> None:
        super().__init__()
        self._routing_key = routing_key
        self.incidents: list[str] = []
        self.opened = 0

    def answer(self, request: web.Request, document: Any) -> web.Response:
        """202, or 400 for an event that it can't take."""
        if not self._is_valid(document):
            return web.json_response({"status": "invalid event"}, status=400)
        key = document["dedup_key"]
        if document["event_action"] == "trigger" and key not in self.incidents:
            self.incidents.append(key)
            self.opened += 1
        if document["event_action"] == "resolve" and key in self.incidents:
            self.incidents.remove(key)
        super().answer(request, document)
        return web.json_response({"status": "success", "dedup_key": key}, status=202)

    def _is_valid(self, document: Mapping[str, Any]) -> bool:
        if document.get("routing_key") != self._routing_key or len(document["dedup_key"]) > 255:
            return False
        if len(json.dumps(document)) > 512_000:
            return False
        if document["event_action"] == "resolve":
            return True
        payload = document["payload"]
        known = payload["severity"] in {"critical", "error", "warning", "info"}
        return known and 0 < len(payload["summary"]) <= 1024 and bool(payload["source"])
