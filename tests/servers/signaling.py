"""A signaling backend inside the test's own loop, with one knob for what goes wrong."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal

import jwt
import socketio
from aiohttp import web
from aiohttp.typedefs import Middleware

SECRET = "a secret of thirty-two bytes or more"
Mode = Literal[
    "ok", "refuse", "complain", "silent", "reject", "mute", "vanish", "drop", "error", "garble"
]


class SignalingServer:
    """Answers as the watched backend does; counts what it was asked for.

    ``mode``: refuse disconnects at once, complain says why before it does, silent sends no
    ``connected``, reject refuses the namespace; at the first event mute doesn't answer,
    vanish cuts the connection, drop ends the session, error sends ``error``, garble sends
    what is no Socket.IO packet. ``answer`` is what ``/auth/token`` says instead of a token.
    """

    def __init__(self, mode: Mode = "ok", *, upgrades: bool = True) -> None:
        self.mode = mode
        self.url = ""
        self.open_to_all = False
        self.answer: Callable[[], web.Response] | None = None
        self.credentials: Callable[[], web.Response] | None = None
        self.lifetime = 300
        self.tokens = 0
        self.credentials_asked = 0
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.devices: set[str] = set()
        self.transports: list[str] = []
        self.events = 0
        self.open = 0
        self.connection: asyncio.Transport | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self.goodbye = asyncio.Event()
        self.sio = socketio.AsyncServer(
            async_mode="aiohttp",
            namespaces=["/signaling"],
            allow_upgrades=upgrades,
            monitor_clients=False,
            logger=False,
        )
        # That a session is gone which a client ends is no news on a test's stderr.
        logging.getLogger("engineio.server").setLevel(logging.CRITICAL)
        self.sio.eio.start_background_task = self._start
        self.sio.on("connect", self._connect, namespace="/signaling")
        self.sio.on("disconnect", self._disconnect, namespace="/signaling")
        self.sio.on("leave-queue", self._leave_queue, namespace="/signaling")

    def app(self) -> web.Application:
        """Its addresses, ready to be served."""
        app = web.Application(middlewares=[self._remember])
        self.sio.attach(app)
        app.router.add_post("/auth/token", self._token)
        app.router.add_post("/turn/credentials", self._turn)
        return app

    async def close(self) -> None:
        """End what the library would leave asleep, such as the pause before its next ping."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(
        self, target: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **kwargs: Any
    ) -> "asyncio.Task[Any]":
        task = asyncio.create_task(target(*args, **kwargs))
        self._tasks.append(task)
        return task

    @web.middleware
    async def _remember(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        # Polls come and go next to the WebSocket, which is the session's once there is one.
        is_gone = self.connection is None or self.connection.is_closing()
        if is_gone or "Upgrade" in request.headers:
            self.connection = request.transport
        return await handler(request)

    async def _token(self, request: web.Request) -> web.Response:
        self.tokens += 1
        self.asked.set()
        self.devices.add((await request.json())["deviceId"])
        await self.go_on.wait()
        if self.answer is not None:
            return self.answer()
        claims = {"sub": "d", "deviceId": "d", "iat": 1_700_000_000}
        claims["exp"] = claims["iat"] + self.lifetime  # type: ignore[operator]
        # What counts is the time between the two: the clock of this backend is years behind.
        token = jwt.encode(claims, SECRET, algorithm="HS256")
        return web.json_response({"accessToken": token, "expiresIn": "5m"}, status=201)

    async def _turn(self, request: web.Request) -> web.Response:
        self.credentials_asked += 1
        await self.go_on.wait()
        if not self._known(request.headers.get("Authorization", "")):
            return web.json_response({"message": "Unauthorized"}, status=401)
        assert self.credentials is not None
        return self.credentials()

    @staticmethod
    def _known(bearer: str) -> bool:
        try:
            options: Any = {"verify_exp": False}
            token = bearer.removeprefix("Bearer ")
            jwt.decode(token, SECRET, algorithms=["HS256"], options=options)
        except jwt.InvalidTokenError:
            return False
        return True

    async def _connect(
        self, sid: str, environ: dict[str, Any], auth: dict[str, str] | None
    ) -> None:
        if self.mode == "reject":
            raise socketio.exceptions.ConnectionRefusedError("Unauthorized: " + _token_of(auth))
        self.open += 1
        self._start(self._greet, sid, auth)  # after the connection was accepted

    async def _greet(self, sid: str, auth: dict[str, str] | None) -> None:
        if self.mode == "complain":
            said = {"message": "Invalid token " + _token_of(auth)}
            await self.sio.emit("error", said, to=sid, namespace="/signaling")
        if self.mode in ("refuse", "complain") or not (
            self.open_to_all or self._known(_token_of(auth))
        ):
            await self.sio.disconnect(sid, namespace="/signaling")
        elif self.mode != "silent":
            self.transports.append(self.sio.transport(sid, namespace="/signaling"))
            await self.sio.emit("connected", {"deviceId": "d"}, to=sid, namespace="/signaling")

    async def _disconnect(self, sid: str, reason: str) -> None:
        self.open -= 1
        self.goodbye.set()

    async def _leave_queue(self, sid: str) -> None:
        self.events += 1
        await REACTIONS[self.mode](self, sid)


async def _reply(server: SignalingServer, sid: str) -> None:
    await server.sio.emit("queue-left", {"timestamp": 1}, to=sid, namespace="/signaling")


async def _mute(server: SignalingServer, sid: str) -> None:
    pass


async def _vanish(server: SignalingServer, sid: str) -> None:
    assert server.connection is not None
    server.connection.abort()


async def _drop(server: SignalingServer, sid: str) -> None:
    await server.sio.disconnect(sid, namespace="/signaling")


async def _error(server: SignalingServer, sid: str) -> None:
    said = {"message": "Redis\nis \x1b[31mgone " + "x" * 50}
    await server.sio.emit("error", said, to=sid, namespace="/signaling")


async def _garble(server: SignalingServer, sid: str) -> None:
    eio_sid = server.sio.manager.eio_sid_from_sid(sid, "/signaling")
    await server.sio.eio.send(eio_sid, '2/signaling,["unfinished')


REACTIONS: dict[str, Callable[[SignalingServer, str], Awaitable[None]]] = {
    "ok": _reply,
    "mute": _mute,
    "vanish": _vanish,
    "drop": _drop,
    "error": _error,
    "garble": _garble,
}


def _token_of(auth: dict[str, str] | None) -> str:
    return (auth or {}).get("token", "")


@contextmanager
def refusing_server() -> Iterator[str]:
    """An address that refuses connections: its port is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@asynccontextmanager
async def serve(app: web.Application, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve an application on a free port of loopback; its address."""
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"{'https' if tls else 'http'}://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def signaling_server(
    mode: Mode = "ok",
    *,
    upgrades: bool = True,
    tls: ssl.SSLContext | None = None,
    middlewares: Sequence[Middleware] = (),
) -> AsyncIterator[SignalingServer]:
    """A SignalingServer that listens, behind what ``middlewares`` do to requests."""
    server = SignalingServer(mode, upgrades=upgrades)
    app = server.app()
    app.middlewares.extend(middlewares)
    async with serve(app, tls) as url:
        server.url = url
        try:
            yield server
        finally:
            await server.close()


@asynccontextmanager
async def raw_server(answer: bytes | None) -> AsyncIterator[str]:
    """Answers every connection's first bytes with these; with None it never answers."""
    writers: list[asyncio.StreamWriter] = []

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.read(4096)
        if answer is not None:
            writer.write(answer)

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()
