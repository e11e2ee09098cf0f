"""A Socket.IO 5 server whose sessions take an odd course."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import WSMsgType, web
from msgspec import Struct, field

from tests.servers.ports import free_port

NAMESPACE = "/signaling"
_CORS = {"Access-Control-Allow-Origin": "*"}
_UNKNOWN = json.dumps({"code": 1, "message": "Session ID unknown"})


class Course(Struct, frozen=True):
    """Times are in seconds. Nothing listens for ``away``; the first ``refused`` requests are
    refused by ``by``, a status or ``close``, and so are the first ``posts`` that send something.
    Connections that are idle for ``kept`` are closed.

    ``delays`` are those of ``opening``, ``connect``, ``ready`` and ``probe``. ``dies_at`` ends the
    WebSocket of an upgrade at ``2probe``, ``3probe`` or ``5``; ``noops`` are sent to end its poll.
    Polls are cut after ``poll_seconds`` by ``cut_by``: a status, ``close``, or an answer. The first
    ``ended`` sessions end at ``ends_at`` (``opened``, ``connect`` or ``ready``) by ``ends_by``:
    ``packet``, ``close``, ``reset`` or ``forget``. The server pings every ``pings``, and wants a
    pong. ``backends`` take turns with the requests, and know their own sessions alone.
    """

    away: float = 0.0
    refused: int = 0
    posts: int = 0
    by: str = "502"
    opening: Mapping[str, Any] = field(default_factory=dict)
    delays: Mapping[str, float] = field(default_factory=dict)
    dies_at: str = ""
    noops: int = 1
    poll_seconds: float | None = None
    cut_by: str = "6"
    ended: int = 0
    ends_at: str = ""
    ends_by: str = "close"
    pings: float | None = None
    backends: int = 1
    kept: float = 75.0


class _Session:
    def __init__(self, number: int) -> None:
        self.number = number
        self.waiting: asyncio.Queue[str] = asyncio.Queue()
        self.socket: web.WebSocketResponse | None = None
        self.pongs = 0

    async def send(self, packet: str) -> None:
        if self.socket is None:
            self.waiting.put_nowait(packet)
        elif not self.socket.closed:
            await self.socket.send_str(packet)


class CourseServer:
    """The handlers, and the sessions of each backend."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._requests, self._numbers, self._posts = (itertools.count() for _ in range(3))
        self._backends: list[dict[str, _Session]] = [{} for _ in range(course.backends)]
        self._tasks: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/socket.io/", self._handle)
        app.on_shutdown.append(self._shut)
        return app

    async def _shut(self, _: web.Application) -> None:
        for task in self._tasks:
            task.cancel()
        for session in itertools.chain.from_iterable(each.values() for each in self._backends):
            session.waiting.put_nowait("6")
            if session.socket is not None:
                await session.socket.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=_CORS)
        number = next(self._requests)
        if number < self._course.refused:
            return _refuse(request, self._course.by)
        sessions = self._backends[number % len(self._backends)]
        sid = request.query.get("sid", "")
        if sid and sid not in sessions:
            return web.Response(status=400, text=_UNKNOWN, headers=_CORS)
        if request.query.get("transport") == "websocket":
            return await self._socket(request, sessions, sid)
        return await self._poll(request, sessions, sid)

    async def _begin(
        self, sessions: dict[str, _Session], upgrades: Sequence[str]
    ) -> tuple[str, _Session]:
        await asyncio.sleep(self._course.delays.get("opening", 0.0))
        session = _Session(next(self._numbers))
        sid = f"s{session.number}"
        sessions[sid] = session
        said = {
            "sid": sid,
            "upgrades": upgrades,
            "pingInterval": 25_000,
            "pingTimeout": 20_000,
            "maxPayload": 1_000_000,
            **self._course.opening,
        }
        if self._course.pings is not None:
            self._spawn(self._ping(sessions, sid, self._course.pings))
        return "0" + json.dumps(said), session

    async def _ping(self, sessions: dict[str, _Session], sid: str, pause: float) -> None:
        session = sessions[sid]
        for count in itertools.count(1):
            await asyncio.sleep(pause)
            if session.pongs < count - 1:
                await self._end(sessions, session, "close")
                return
            await session.send("2")

    async def _poll(
        self, request: web.Request, sessions: dict[str, _Session], sid: str
    ) -> web.StreamResponse:
        if not sid:
            opening, session = await self._begin(sessions, ["websocket"])
            await self._reach("opened", sessions, session)
            return _text(opening)
        session = sessions[sid]
        if request.method == "POST":
            if next(self._posts) < self._course.posts:
                return _refuse(request, self._course.by)
            for packet in (await request.text()).split("\x1e"):
                self._spawn(self._take(sessions, session, packet))
            return _text("ok")
        try:
            async with asyncio.timeout(self._course.poll_seconds):
                packets = [await session.waiting.get()]
        except TimeoutError:
            return _refuse(request, self._course.cut_by)
        while not session.waiting.empty():
            packets.append(session.waiting.get_nowait())
        return _text("\x1e".join(packets))

    async def _socket(
        self, request: web.Request, sessions: dict[str, _Session], sid: str
    ) -> web.StreamResponse:
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        if sid:
            session = sessions[sid]
        else:
            opening, session = await self._begin(sessions, [])
            session.socket = socket
            await socket.send_str(opening)
            await self._reach("opened", sessions, session)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            if message.data == "2probe":
                await self._probed(request, session, socket)
            elif message.data == "5":
                if self._course.dies_at == "5":
                    _abort(request)
                    break
                session.socket = socket
                while not session.waiting.empty():
                    await session.send(session.waiting.get_nowait())
            else:
                self._spawn(self._take(sessions, session, message.data))
        return socket

    async def _probed(
        self, request: web.Request, session: _Session, socket: web.WebSocketResponse
    ) -> None:
        if self._course.dies_at == "2probe":
            _abort(request)
            return
        await asyncio.sleep(self._course.delays.get("probe", 0.0))
        with suppress(ConnectionError):  # who asks has left
            await socket.send_str("3probe")
        for _ in range(self._course.noops):
            session.waiting.put_nowait("6")
        if self._course.dies_at == "3probe":
            _abort(request)

    async def _take(self, sessions: dict[str, _Session], session: _Session, packet: str) -> None:
        delays = self._course.delays
        if packet == "3":
            session.pongs += 1
        elif packet.startswith("40" + NAMESPACE):
            await asyncio.sleep(delays.get("connect", 0.0))
            await session.send(f'40{NAMESPACE},{{"sid":"n1"}}')
            await self._reach("connect", sessions, session)
            await asyncio.sleep(delays.get("ready", 0.0))
            await session.send(f'42{NAMESPACE},["connected",{{}}]')
            await self._reach("ready", sessions, session)
        elif "leave-queue" in packet:
            await session.send(f'42{NAMESPACE},["queue-left",{{}}]')

    async def _reach(self, stage: str, sessions: dict[str, _Session], session: _Session) -> None:
        if stage == self._course.ends_at and session.number < self._course.ended:
            await self._end(sessions, session, self._course.ends_by)

    async def _end(self, sessions: dict[str, _Session], session: _Session, by: str) -> None:
        sessions.pop(f"s{session.number}", None)
        socket = session.socket
        if by == "packet":
            await session.send("1")
        elif socket is None:
            session.waiting.put_nowait("6")
        else:
            await socket.close(code=1001)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _text(text: str) -> web.Response:
    return web.Response(text=text, headers={**_CORS, "Content-Type": "text/plain; charset=UTF-8"})


def _refuse(request: web.Request, by: str) -> web.Response:
    if by == "close":
        _abort(request)
        return web.Response()
    if len(by) == 3 and by.isdigit():
        return web.Response(status=int(by), text="no", headers=_CORS)
    return _text(by)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


@asynccontextmanager
async def course_server(course: Course) -> AsyncIterator[str]:
    """Its URL, at which nothing listens while it is ``away``."""
    runner = web.AppRunner(
        CourseServer(course).app(), shutdown_timeout=0.2, keepalive_timeout=course.kept
    )
    await runner.setup()
    port = free_port()

    async def listen() -> None:
        await asyncio.sleep(course.away)
        await web.TCPSite(runner, "127.0.0.1", port).start()

    listening = asyncio.create_task(listen())
    if not course.away:
        await listening
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await runner.cleanup()
