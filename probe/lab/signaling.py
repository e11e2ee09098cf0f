"""Socket.IO as PairCam's backend speaks it, down to its traps."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aiohttp import web

from probe.lab.knobs import BackendKnobs
from probe.lab.matching import LabMatch, Matching, QueuedUser, problem_with
from probe.lab.rate_limit import RateLimiter
from probe.lab.socketio_import import socketio
from probe.lab.tokens import Tokens

NAMESPACE = "/signaling"
QUEUE_UPDATE_SECONDS = 2.0
JOIN_LIMITS = ((10, 60.0),)
_CLOSE_SECONDS = 0.1

Handler = Callable[[str, Any], Awaitable[None]]


class Signaling:
    """The ``/signaling`` namespace of one backend.

    ``clock`` is monotonic, ``now`` the wall clock, both in seconds.
    """

    def __init__(
        self,
        tokens: Tokens,
        knobs: BackendKnobs,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.matching = Matching()
        # What clients report of their calls.
        self.statuses: list[dict[str, Any]] = []
        self._tokens, self._knobs = tokens, knobs
        self._clock, self._now = clock, now
        self._devices: dict[str, str] = {}
        self._joins = RateLimiter(JOIN_LIMITS, clock)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._updates: dict[str, asyncio.Task[None]] = {}
        self._server = socketio.AsyncServer(
            async_mode="aiohttp",
            cors_allowed_origins=[],
            logger=False,
            engineio_logger=False,
            monitor_clients=False,
            always_connect=True,
        )
        self._server.eio.start_background_task = self._start
        self._forget = self._server.eio.handlers["disconnect"]
        self._server.eio.on("disconnect", self._end_poll)
        self._register()

    @property
    def sessions(self) -> int:
        """How many sessions are open."""
        return len(self._devices)

    def set_ping_timers(self, *, interval: float, timeout: float) -> None:
        """How often clients are pinged and how long they may be silent, in seconds; new
        clients are given both, and expect the same of the server."""
        self._server.eio.ping_interval, self._server.eio.ping_timeout = interval, timeout

    def attach(self, app: web.Application) -> None:
        """Serve at ``/socket.io`` of an application."""
        self._server.attach(app, socketio_path="socket.io")

    async def serve(
        self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]], request: web.Request
    ) -> web.StreamResponse:
        """Answer a request to its end, also when its client has vanished: aiohttp would cancel
        engine.io, which then holds an orphaned session for ever."""

        async def answer() -> web.StreamResponse:
            return await handler(request)

        task = self._start(answer)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        found: web.StreamResponse = await asyncio.shield(task)
        return found

    async def stop(self) -> None:
        """Disconnect everybody and end every task."""
        sockets = self._server.eio.sockets
        for socket in list(sockets.values()):
            await socket.close(wait=False, abort=True)
            socket.queue.put_nowait(None)  # ends the request or the WebSocket that waits
        sockets.clear()
        tasks = {*self._tasks, *self._updates.values()}
        while tasks:
            # More than once: engine.io takes it for the client's end, and spends 10 s closing.
            for task in tasks:
                task.cancel()
            _, tasks = await asyncio.wait(tasks, timeout=_CLOSE_SECONDS)
        await self._server.shutdown()

    def _register(self) -> None:
        handlers: dict[str, Handler] = {
            "leave-queue": self._leave,
            "join-queue": self._join,
            "send-offer": self._pass_on("offer"),
            "send-answer": self._pass_on("answer"),
            "send-candidate": self._pass_on("candidate"),
            "send-message": self._message,
            "end-call": self._end_call,
            "connection-status": self._connection_status,
        }
        self._server.on("connect", self._connect, namespace=NAMESPACE)
        self._server.on("disconnect", self._disconnect, namespace=NAMESPACE)
        for event, handler in handlers.items():
            self._server.on(event, self._late(handler), namespace=NAMESPACE)

    async def _end_poll(self, socket: str, reason: str) -> None:
        """As engine.io of Node does, answer the request that waits when the client has closed."""
        await self._forget(socket, reason)
        if reason == self._server.eio.reason.CLIENT_DISCONNECT:
            self._server.eio.sockets[socket].queue.put_nowait(None)

    def _late(self, handler: Handler) -> Callable[..., Awaitable[object]]:
        async def answer(sid: str, data: object = None) -> object:
            await asyncio.sleep(self._knobs.signaling_latency)
            # Clients without a session, gone clients, and clients without Redis get nothing.
            if sid in self._devices and self._knobs.redis == "up":
                await handler(sid, data)
            return self._server.not_handled  # anything else would be an acknowledgement

        return answer

    async def _connect(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        """Everybody is let in first; a moment later the token decides."""
        given = auth.get("token") if isinstance(auth, dict) else None
        bearer = str(given or environ.get("HTTP_AUTHORIZATION", ""))
        self._start(self._welcome, sid, self._tokens.device(bearer, self._now()))

    async def _welcome(self, sid: str, device: str | None) -> None:
        await asyncio.sleep(self._knobs.signaling_latency)
        if device is None or self._knobs.signaling == "refuses":
            await self._server.disconnect(sid, namespace=NAMESPACE)
            return
        if not self._server.manager.is_connected(sid, NAMESPACE):
            return
        self._devices[sid] = device
        if self._knobs.signaling != "silent" and self._knobs.redis == "up":
            await self._send_event(sid, "connected", deviceId=device)

    async def _disconnect(self, sid: str, *_: Any) -> None:
        self._devices.pop(sid, None)
        self.matching.leave(sid)
        update = self._updates.pop(sid, None)
        if update is not None:
            update.cancel()
        for session in self.matching.sessions_of(sid):
            await self._end(session, sid)

    async def _leave(self, sid: str, _: object) -> None:
        match self._knobs.signaling:
            case "drops":
                await self._server.disconnect(sid, namespace=NAMESPACE)
            case "no_reply":
                return
            case _:
                self.matching.leave(sid)
                await self._send_event(sid, "queue-left")

    async def _join(self, sid: str, data: Any) -> None:
        device = self._devices.get(sid, "")
        problem = problem_with(data)
        if problem is not None:
            await self._emit(sid, "exception", {"status": "error", "message": problem})
            return
        if self._knobs.match == "refused":
            await self._emit(sid, "error", {"message": "Failed to join queue"})
            return
        if self._knobs.match == "unknown":
            await self._emit(sid, "exception", {"status": "error", "message": "Internal error"})
            return
        if not self._joins.allows(device):
            await self._emit(sid, "error", {"message": "Too many queue joins"})
            return
        language = data.get("learningLanguage") or data.get("language") or ""
        user = QueuedUser(sid, device, data.get("queueType", "casual"), language)
        found = self._match(user)
        position = len(self.matching.queue)
        place = {"position": position, "queueLength": position, "isPremium": False}
        await self._send_event(sid, "queue-joined", **place)
        if sid not in self._updates:
            self._updates[sid] = asyncio.create_task(self._keep_updating(sid))
        if found is not None:
            await self._send_match(found)

    def _match(self, user: QueuedUser) -> LabMatch | None:
        if self._knobs.match == "never":
            self.matching.queue.append(user)
            return None
        return self.matching.join(user, self._clock(), anyone=self._knobs.match == "anyone")

    async def _send_match(self, match: LabMatch) -> None:
        """Twice, with different sessions; the one that both saw last is valid."""
        pause = self._knobs.second_match
        for session in match.sessions:
            if pause and session != match.sessions[0]:
                await asyncio.sleep(pause)
            if not {match.first.sid, match.second.sid} <= self._devices.keys():
                return
            if pause:
                self.matching.activate(match, session)
            for user, peer in ((match.first, match.second), (match.second, match.first)):
                await self._send_event(
                    user.sid,
                    "matched",
                    sessionId=session,
                    peerId=peer.device,
                    compatibilityScore=0.5,
                    commonInterests=[],
                )
        if self._knobs.match == "lost":
            self.matching.end(match.sessions[-1])

    async def _keep_updating(self, sid: str) -> None:
        """For as long as the client is connected, whether or not it still waits."""
        while True:
            await asyncio.sleep(QUEUE_UPDATE_SECONDS)
            length = len(self.matching.queue)
            await self._send_event(sid, "queue-update", position=0, queueLength=length)

    def _pass_on(self, what: str) -> Handler:
        async def pass_on(sid: str, data: Any) -> None:
            peer = await self._peer(sid, data)
            if peer is not None:
                payload = {"sessionId": data["sessionId"], what: data.get("data")}
                await self._emit(peer, what, {**payload, "from": self._devices.get(sid)})
                if what == "answer" and self._knobs.match == "ends":
                    await self._end(data["sessionId"], sid)

        return pass_on

    async def _message(self, sid: str, data: Any) -> None:
        peer = await self._peer(sid, data)
        if peer is not None:
            await self._emit(peer, "message", {**data, "from": self._devices.get(sid)})

    async def _connection_status(self, _: str, data: object) -> None:
        """Kept for the statistics, and not answered."""
        if isinstance(data, dict):
            self.statuses.append(data)

    async def _end_call(self, sid: str, data: Any) -> None:
        if await self._peer(sid, data) is not None:
            await self._emit(sid, "call-ended", {"sessionId": data["sessionId"]})
            await self._end(data["sessionId"], sid)

    async def _end(self, session: str, sid: str) -> None:
        peer = self.matching.peer(session, sid)
        self.matching.end(session)
        if peer is not None:
            await self._emit(peer, "peer-disconnected", {"sessionId": session})

    async def _peer(self, sid: str, data: object) -> str | None:
        session = data.get("sessionId") if isinstance(data, dict) else None
        peer = self.matching.peer(str(session), sid)
        if peer is None:
            await self._emit(sid, "error", {"message": "Session not found"})
        return peer

    async def _send_event(self, sid: str, event: str, **content: Any) -> None:
        await self._emit(sid, event, {**content, "timestamp": int(self._now() * 1000)})

    async def _emit(self, sid: str, event: str, content: dict[str, Any]) -> None:
        await self._server.emit(event, content, to=sid, namespace=NAMESPACE)

    def _start(
        self, work: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **kwargs: Any
    ) -> asyncio.Task[Any]:
        """A task that ends with the server; the library's own, such as pings, are among them."""
        task = asyncio.create_task(work(*args, **kwargs))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
