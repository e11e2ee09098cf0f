"""The reference backend on Node behaves as the watched application's does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import socketio

from tests.servers.coturn import CoturnConfig, CoturnFactory
from tests.servers.node_backend import Mode, NodeBackendFactory
from tests.servers.turn.turn_client import relays


class Session:
    """A Socket.IO client of the namespace /signaling and the names of what happened to it."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.client = socketio.AsyncClient(reconnection=False, http_session=http)
        self.events: asyncio.Queue[str] = asyncio.Queue()
        for name in ("connected", "queue-left", "disconnect"):
            self.client.on(name, self._note(name), namespace="/signaling")

    def _note(self, name: str) -> Callable[..., None]:
        def note(*_: Any) -> None:
            self.events.put_nowait(name)

        return note

    async def open(self, url: str, token: str) -> None:
        await self.client.connect(
            url,
            namespaces=["/signaling"],
            transports=["websocket"],
            auth={"token": f"Bearer {token}"},
            wait_timeout=2,
        )

    async def next_event(self) -> str:
        async with asyncio.timeout(30):
            return await self.events.get()


@asynccontextmanager
async def new_session() -> AsyncIterator[Session]:
    """The HTTP session is ours, because python-engineio leaves its own open when `open` fails."""
    async with aiohttp.ClientSession() as http:
        session = Session(http)
        yield session
        await session.client.disconnect()


async def fetch_token(url: str) -> str:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/auth/token", json={"deviceId": "a-device"}) as response,
    ):
        assert response.status == 201
        return str((await response.json())["accessToken"])


async def test_the_node_backend_speaks(leaks: None, node_backend: NodeBackendFactory) -> None:
    url = node_backend().url
    async with new_session() as session:
        await session.open(url, await fetch_token(url))
        assert await session.next_event() == "connected"
        await session.client.emit("leave-queue", namespace="/signaling")
        assert await session.next_event() == "queue-left"


@pytest.mark.parametrize(
    ("mode", "token", "events"),
    [
        ("refuse", None, ["disconnect"]),
        ("ok", "not.a.token", ["disconnect"]),
        ("drop", None, ["connected", "disconnect"]),
    ],
)
async def test_the_node_backend_accepts_and_then_disconnects(
    leaks: None,
    node_backend: NodeBackendFactory,
    mode: Mode,
    token: str | None,
    events: list[str],
) -> None:
    url = node_backend(mode).url
    async with new_session() as session:
        await session.open(url, token or await fetch_token(url))
        if mode == "drop":
            await session.client.emit("leave-queue", namespace="/signaling")
        assert [await session.next_event() for _ in events] == events


async def test_a_node_backend_without_redis_is_silent(
    leaks: None, node_backend: NodeBackendFactory
) -> None:
    url = node_backend("silent").url
    async with new_session() as session:
        await session.open(url, await fetch_token(url))
        await session.client.emit("leave-queue", namespace="/signaling")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await session.events.get()
    async with aiohttp.ClientSession() as http, http.get(f"{url}/health") as response:
        body = await response.json()
    assert (response.status, body["status"], body["services"]["redis"]) == (200, "degraded", "down")


async def test_a_node_backend_sends_garbage(leaks: None, node_backend: NodeBackendFactory) -> None:
    async with new_session() as session:
        # python-engineio lets its parser's error through.
        with pytest.raises(ValueError, match="invalid literal"):
            await session.open(node_backend("garbage").url, "token")


async def test_the_node_backend_issues_turn_credentials_that_coturn_takes(
    leaks: None, coturn: CoturnFactory, node_backend: NodeBackendFactory
) -> None:
    server = coturn(CoturnConfig(auth_secret=True))
    url = node_backend(
        TURN_PROVIDER="coturn", TURN_URLS=server.udp_url, TURN_SHARED_SECRET=server.secret or ""
    ).url
    bearer = {"Authorization": f"Bearer {await fetch_token(url)}"}
    async with (
        aiohttp.ClientSession(url) as http,
        http.post("/turn/credentials") as refused,
        http.post("/turn/credentials", headers=bearer) as response,
    ):
        body = await response.json()
    assert (refused.status, response.status, body["urls"]) == (401, 201, [server.udp_url])
    server.username, server.password = body["username"], body["credential"]
    assert await relays(server)


async def test_the_node_backend_limits_tokens(
    leaks: None, node_backend: NodeBackendFactory
) -> None:
    url = node_backend(TOKEN_LIMIT="2").url
    async with aiohttp.ClientSession(url) as http:
        answers = [await http.post("/auth/token", json={"deviceId": "a"}) for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 201, 429]
