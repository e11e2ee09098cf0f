"""A Socket.IO 5 server in small, which deviates in one thing that is asked of it."""

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web
from msgspec import Struct, field

NAMESPACE = "/signaling"
SEPARATOR = "\x1e"
_DEFAULTS: dict[str, Any] = {
    "upgrades": ["websocket"],
    "pingInterval": 25_000,
    "pingTimeout": 20_000,
    "maxPayload": 1_000_000,
}
ALLOWED = {"Access-Control-Allow-Origin": "*"}
Packet = str | bytes


class SignalingBends(Struct, frozen=True):
    """``opening`` is laid over the open packet (None removes a field); ``first`` replaces the
    answer to CONNECT, ``before`` is sent ahead of ``connected``, ``beside`` ahead of each reply.

    ``polling`` and ``websocket`` are statuses that refuse the transport. ``redirect`` is a status
    that leads to the same server by another path. ``coding`` compresses polling. ``cookie`` wants
    back the cookie that it sets. ``closes`` is the WebSocket close code that ends it at CONNECT.
    """

    opening: Mapping[str, Any] = field(default_factory=dict)
    raw_opening: str | None = None
    first: Sequence[Packet] | None = None
    before: Sequence[Packet] = ()
    beside: Sequence[Packet] = ()
    polling: int | None = None
    websocket: int | None = None
    redirect: int | None = None
    coding: str | None = None
    cookie: bool = False
    closes: int | None = None
    cors: Mapping[str, str] = field(default_factory=lambda: ALLOWED)
    cors_of_post: Mapping[str, str] | None = None
    content_type: str = "text/plain; charset=UTF-8"
    posted: tuple[int, str] = (200, "ok")
    probe_answer: str | None = "3probe"
    namespace: str = NAMESPACE
    charset: str = "utf-8"
    lead: bytes = b""
    tail: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    polled: int = 200


class _Session:
    def __init__(self) -> None:
        self.outgoing: asyncio.Queue[Packet] = asyncio.Queue()
        self.socket: web.WebSocketResponse | None = None

    async def send(self, packet: Packet) -> None:
        if self.socket is not None:
            if isinstance(packet, bytes):
                await self.socket.send_bytes(packet)
            else:
                await self.socket.send_str(packet)
        else:
            self.outgoing.put_nowait(packet)


class OddSignaling:
    """The handlers, and the sessions."""

    def __init__(self, bends: SignalingBends) -> None:
        self._bends = bends
        self._sessions: dict[str, _Session] = {}

    def app(self) -> web.Application:
        app = web.Application()
        for path in ("/socket.io/", "/moved/"):
            app.router.add_route("*", path, self._handle)
        app.on_shutdown.append(self._shut)
        return app

    async def _shut(self, _: web.Application) -> None:
        for session in self._sessions.values():
            session.outgoing.put_nowait("6")
            if session.socket is not None:
                await session.socket.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        bends = self._bends
        is_socket = request.query.get("transport") == "websocket"
        refused = bends.websocket if is_socket else bends.polling
        cors = bends.cors
        if request.method == "POST" and bends.cors_of_post is not None:
            cors = bends.cors_of_post
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=cors)
        if bends.redirect is not None and request.path == "/socket.io/":
            location = {"Location": f"/moved/?{request.query_string}"}
            return web.Response(status=bends.redirect, headers={**cors, **location})
        if refused is not None:
            return web.Response(status=refused, text="no", headers=cors)
        if bends.cookie and "sid" in request.query and "io" not in request.cookies:
            return web.json_response(
                {"code": 1, "message": "Session ID unknown"}, status=400, headers=cors
            )
        return await (self._socket(request) if is_socket else self._poll(request, cors))

    def _opening(self, sid: str) -> str:
        if self._bends.raw_opening is not None:
            return self._bends.raw_opening
        said = {"sid": sid, **_DEFAULTS, **self._bends.opening}
        return "0" + json.dumps({name: value for name, value in said.items() if value is not None})

    def _begin(self) -> tuple[str, _Session]:
        sid = f"s{len(self._sessions)}"
        self._sessions[sid] = _Session()
        return sid, self._sessions[sid]

    async def _poll(self, request: web.Request, cors: Mapping[str, str]) -> web.StreamResponse:
        sid = request.query.get("sid")
        if sid is None:
            sid, _ = self._begin()
            answer = self._text(self._opening(sid), cors)
            if self._bends.cookie:
                answer.set_cookie("io", sid, httponly=True)
            return answer
        session = self._sessions.get(sid)
        if session is None:
            return web.json_response(
                {"code": 1, "message": "Session ID unknown"}, status=400, headers=cors
            )
        if request.method == "POST":
            status, text = self._bends.posted
            # What is refused is not answered on the poll next to it.
            for packet in (await request.text()).split(SEPARATOR) if status == 200 else ():
                await self._take(session, packet)
            return web.Response(status=status, text=text, headers=cors)
        packets = [await session.outgoing.get()]
        while not session.outgoing.empty():
            packets.append(session.outgoing.get_nowait())
        return self._text(SEPARATOR.join(map(_in_polling, packets)), cors)

    def _text(self, text: str, cors: Mapping[str, str]) -> web.Response:
        bends = self._bends
        body = bends.lead + text.encode(bends.charset) + bends.tail
        headers = {**cors, "Content-Type": bends.content_type, **bends.headers}
        if bends.coding == "gzip":
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        elif bends.coding == "deflate":
            body, headers["Content-Encoding"] = zlib.compress(body), "deflate"
        return web.Response(body=body, headers=headers, status=bends.polled)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        sid = request.query.get("sid")
        if sid is not None and sid not in self._sessions:
            return web.Response(status=400, text="Session ID unknown")
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        if sid is None:
            sid, session = self._begin()
            session.socket = socket
            await socket.send_str(self._opening(sid))
        else:
            session = self._sessions[sid]
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            if message.data == "2probe":
                session.outgoing.put_nowait("6")  # ends the poll
                if self._bends.probe_answer is not None:
                    await socket.send_str(self._bends.probe_answer)
            elif message.data == "5":
                session.socket = socket
                while not session.outgoing.empty():
                    await session.send(session.outgoing.get_nowait())
            else:
                await self._take(session, message.data)
        return socket

    async def _take(self, session: _Session, packet: str) -> None:
        bends = self._bends
        if packet.startswith("40" + NAMESPACE):
            if bends.closes is not None and session.socket is not None:
                await session.socket.close(code=bends.closes)
                return
            first = bends.first
            if first is None:
                first = (f'40{bends.namespace},{{"sid":"n1"}}',)
            for each in (*first, *bends.before):
                await session.send(each)
            if bends.first is None:
                await session.send(f'42{bends.namespace},["connected",{{}}]')
        elif "leave-queue" in packet:
            for each in bends.beside:
                await session.send(each)
            await session.send(f'42{bends.namespace},["queue-left",{{}}]')


def _in_polling(packet: Packet) -> str:
    return "b" + base64.b64encode(packet).decode() if isinstance(packet, bytes) else packet


@asynccontextmanager
async def odd_signaling(bends: SignalingBends) -> AsyncIterator[str]:
    """Its URL, while the block lasts."""
    runner = web.AppRunner(OddSignaling(bends).app(), shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
