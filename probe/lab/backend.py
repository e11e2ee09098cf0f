"""A PairCam-like backend in this process: HTTP, tokens, credentials, metrics, Socket.IO."""

import asyncio
import contextlib
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from probe.lab.knobs import BackendKnobs
from probe.lab.metrics import BackendUsage, exposition
from probe.lab.rate_limit import Limit, RateLimiter
from probe.lab.signaling import Signaling
from probe.lab.tokens import CREDENTIAL_SECONDS, Tokens

REQUEST_LIMITS: tuple[Limit, ...] = ((10, 1.0), (50, 10.0), (200, 60.0))
TOKEN_LIMITS: tuple[Limit, ...] = ((5, 60.0),)
HSTS_SECONDS = 365 * 86400

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LabBackend:
    """One backend on ``host``; ``requests`` counts what was asked, by path."""

    def __init__(
        self,
        *,
        jwt_secret: str,
        turn_secret: str,
        turn_urls: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
        knobs: BackendKnobs | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.knobs = knobs or BackendKnobs()
        self.host, self.port = "127.0.0.1", 0
        self.turn_urls = list(turn_urls)
        self.requests: Counter[str] = Counter()
        self.tokens_issued = 0
        self.tokens = Tokens(jwt_secret, turn_secret)
        self.signaling = Signaling(self.tokens, self.knobs, clock=clock, now=now)
        self._tls = tls
        self._clock, self._now = clock, now
        self._started = clock()
        self._usage = BackendUsage(clock)
        self._limiter = RateLimiter(REQUEST_LIMITS, clock)
        self._token_limiter = RateLimiter(TOKEN_LIMITS, clock)
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address to watch."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def sessions(self) -> int:
        """How many Socket.IO sessions are open."""
        return self.signaling.sessions

    @property
    def queue_length(self) -> int:
        """How many users wait."""
        return len(self.signaling.matching.queue)

    async def start(self) -> None:
        """Listen; ``port`` is known afterwards."""
        self._stopping.clear()
        self._started = self._clock()
        self._usage = BackendUsage(self._clock)
        self._runner = web.AppRunner(
            self._app(), shutdown_timeout=0.1, access_log=None, handler_cancellation=True
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End every session, connection and task."""
        self._stopping.set()
        await self.signaling.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._misbehave, self._limit])
        app.router.add_get("/", self._frontend)
        app.router.add_get("/health", self._health)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_post("/auth/token", self._token)
        app.router.add_post("/turn/credentials", self._credentials)
        app.router.add_get("/metrics", self._metrics)
        self.signaling.attach(app)
        app.on_response_prepare.append(self._headers)
        return app

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        knobs = self.knobs
        self.requests[request.path] += 1
        if knobs.drop and request.transport is not None:
            request.transport.abort()
        if knobs.silent or knobs.drop:
            await self._stopping.wait()
            raise web.HTTPServiceUnavailable
        await self._pause(knobs.latency)
        if request.path.startswith("/socket.io"):
            if knobs.signaling == "off":
                raise web.HTTPNotFound
            if knobs.signaling == "garbage":
                return await _garbage(request)
            return await self.signaling.serve(handler, request)
        return await handler(request)

    async def _pause(self, seconds: float) -> None:
        """A pause that ends with the server, also where the client has gone already."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
            raise web.HTTPServiceUnavailable

    @web.middleware
    async def _limit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # The real backend counts by address and route.
        key = f"{request.remote} {request.path}"
        too_often = self.knobs.limits and not self._limiter.allows(key)
        if self.knobs.rate_limited or too_often:
            raise web.HTTPTooManyRequests(text="ThrottlerException: Too Many Requests")
        return await handler(request)

    async def _headers(self, request: web.Request, response: web.StreamResponse) -> None:
        if self.knobs.hsts:
            response.headers["Strict-Transport-Security"] = f"max-age={HSTS_SECONDS}"
        origin = request.headers.get("Origin")
        if origin and (self.knobs.cors_open or origin == self.url):
            response.headers["Access-Control-Allow-Origin"] = origin

    async def _frontend(self, _: web.Request) -> web.Response:
        page = "<!doctype html><title>PairCam lab</title><h1>PairCam lab</h1>"
        return web.Response(text=page, content_type="text/html")

    async def _health(self, request: web.Request) -> web.StreamResponse:
        knobs = self.knobs
        if knobs.redirect == "loop" or (knobs.redirect == "once" and not request.query_string):
            raise web.HTTPFound("/health?redirected=1")
        services = await self._services()
        uptime = self._clock() - self._started if knobs.uptime is None else knobs.uptime
        body = {
            "status": "ok" if set(services.values()) == {"up"} else "degraded",
            "timestamp": int((self._now() + knobs.clock_offset) * 1000),
            "uptime": uptime,
            "memory": {**_MEMORY, "rss": int(knobs.memory)},
            "version": knobs.version,
            "services": services,
            "instance": {
                "id": knobs.instance,
                "region": "lab",
                "subscribedChannels": knobs.channels,
            },
        }
        return await self._report(request, body)

    async def _ready(self, request: web.Request) -> web.StreamResponse:
        services = {name: state == "up" for name, state in (await self._services()).items()}
        status = "ready" if all(services.values()) else "not-ready"
        return await self._report(request, {"status": status, "services": services})

    async def _services(self) -> dict[str, str]:
        knobs = self.knobs
        states = {"postgres": knobs.postgres, "redis": knobs.redis, "pubsub": knobs.pubsub}
        if "hangs" in states.values():
            await self._stopping.wait()
        return dict(states)

    async def _report(self, request: web.Request, body: object) -> web.StreamResponse:
        status = self.knobs.status
        match self.knobs.body:
            case "json":
                return web.json_response(body, status=status)
            case "list":
                return web.json_response([body], status=status)
            case "endless":
                return await _endless(request, status)
            case kind:
                text = "" if kind == "empty" else "<html>no JSON</html>"
                return web.Response(text=text, status=status)

    async def _token(self, request: web.Request) -> web.Response:
        state = self.knobs.token
        if state == "refused":
            raise web.HTTPUnauthorized
        if state == "rate_limited" or not self._token_limiter.allows(request.remote or ""):
            raise web.HTTPTooManyRequests
        if state == "invalid":
            return web.Response(text="no JSON", status=201)
        device = (await _object(request)).get("deviceId")
        if not isinstance(device, str) or not device:
            raise web.HTTPBadRequest(text="deviceId must be a string")
        self.tokens_issued += 1
        token = self.tokens.issue(device, self._now())
        return web.json_response({"accessToken": token, "expiresIn": "5m"}, status=201)

    async def _credentials(self, request: web.Request) -> web.Response:
        state = self.knobs.credentials
        device = self.tokens.device(request.headers.get("Authorization", ""), self._now())
        if device is None or state == "refused":
            raise web.HTTPUnauthorized
        username, credential = self.tokens.turn_credentials(device, self._now(), state)
        urls = [] if state == "empty" else self.turn_urls
        body = {"urls": urls, "username": username, "credential": credential}
        return web.json_response({**body, "ttl": CREDENTIAL_SECONDS}, status=201)

    async def _metrics(self, _: web.Request) -> web.Response:
        self._usage.advance(self.knobs)
        filled = self.knobs.metrics == "filled"
        wired = self.knobs.gauges == "counted"
        sessions, queue = (self.sessions, self.queue_length) if wired else (0, 0)
        return web.Response(
            text=exposition(self._usage, sessions=sessions, queue=queue, filled=filled)
        )


_MEMORY = {
    "heapTotal": 60_000_000,
    "heapUsed": 45_000_000,
    "external": 3_000_000,
    "arrayBuffers": 200_000,
}


async def _object(request: web.Request) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        body = await request.json()
        if isinstance(body, dict):
            return body
    return {}


async def _endless(request: web.Request, status: int) -> web.StreamResponse:
    """Sends until the client has had enough."""
    response = web.StreamResponse(status=status)
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await response.write(b" " * 65536)
    return response


async def _garbage(request: web.Request) -> web.StreamResponse:
    """A WebSocket that speaks no engine.io."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return web.Response(text="\x00\x01garbage")
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("\x00\x01garbage")
    async for _ in socket:
        continue
    return socket
