"""The lab's HTTP API answers as PairCam's does."""

import base64
import hashlib
import hmac
from typing import Any

import aiohttp
import jwt
import pytest

from probe.lab.backend import LabBackend
from probe.lab.certificates import Authority
from tests.lab.conftest import Call
from tests.lab.turn.callers import (
    JWT_SECRET,
    TURN_SECRET,
    TURN_URLS,
    Clock,
    bearer,
)


async def token(http: aiohttp.ClientSession, body: Any = None) -> tuple[int, str]:
    """Ask for a token; the status code and what came with it."""
    async with http.post("/auth/token", json=body or {"deviceId": "alice"}) as response:
        return response.status, await response.text()


async def statuses(http: aiohttp.ClientSession, path: str, times: int) -> list[int]:
    """The status code of each of so many requests."""
    found = []
    for _ in range(times):
        async with http.get(path) as response:
            found.append(response.status)
    return found


async def test_health_says_who_answers_and_how_it_is(
    leaks: None, http: aiohttp.ClientSession, clock: Clock
) -> None:
    clock.seconds += 7.5
    async with http.get("/health") as response:
        body = await response.json()
        assert response.status == 200
    assert set(body.pop("memory")) == {"rss", "heapTotal", "heapUsed", "external", "arrayBuffers"}
    assert body == {
        "status": "ok",
        "timestamp": 1_700_000_000_000,
        "uptime": 7.5,
        "version": "1.0.0",
        "services": {"postgres": "up", "redis": "up", "pubsub": "up"},
        "instance": {"id": "lab-1", "region": "lab", "subscribedChannels": 3},
    }


async def test_readiness_names_the_services(http: aiohttp.ClientSession) -> None:
    async with http.get("/health/ready") as response:
        assert await response.json() == {
            "status": "ready",
            "services": {"postgres": True, "redis": True, "pubsub": True},
        }


async def test_there_is_a_page_and_no_api_health(http: aiohttp.ClientSession) -> None:
    assert await statuses(http, "/", 1) == [200]
    assert await statuses(http, "/api/health", 1) == [404]


async def test_a_token_carries_the_device_for_five_minutes(http: aiohttp.ClientSession) -> None:
    async with http.post("/auth/token", json={"deviceId": "alice"}) as response:
        body = await response.json()
        assert response.status == 201
    assert body.keys() == {"accessToken", "expiresIn"}
    assert body["expiresIn"] == "5m"
    options: Any = {"verify_exp": False}
    claims = jwt.decode(body["accessToken"], JWT_SECRET, algorithms=["HS256"], options=options)
    assert claims == {
        "sub": "alice",
        "deviceId": "alice",
        "iat": 1_700_000_000,
        "exp": 1_700_000_300,
    }


@pytest.mark.parametrize("body", [{"deviceId": ""}, {"deviceId": 7}, {"device": "x"}, ["alice"]])
async def test_a_token_without_a_device_is_refused(
    backend: LabBackend, http: aiohttp.ClientSession, body: object
) -> None:
    assert (await token(http, body))[0] == 400
    assert backend.tokens_issued == 0


async def test_a_body_that_is_no_json_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.post("/auth/token", data=b"\xff{") as response:
        assert response.status == 400


async def test_the_sixth_token_of_a_minute_is_refused(
    backend: LabBackend, http: aiohttp.ClientSession, clock: Clock
) -> None:
    assert [(await token(http))[0] for _ in range(6)] == [201] * 5 + [429]
    clock.seconds += 60
    assert (await token(http))[0] == 201
    assert backend.tokens_issued == 6


@pytest.mark.parametrize(
    ("bursts", "pause"), [([10], 1.0), ([10] * 5, 10.0), ([10] * 20, 60.0)], ids=str
)
async def test_requests_past_a_limit_are_refused_until_its_window_is_over(
    http: aiohttp.ClientSession, clock: Clock, bursts: list[int], pause: float
) -> None:
    step = pause / len(bursts) / 1.1
    for burst in bursts:
        assert await statuses(http, "/health", burst) == [200] * burst
        last, clock.seconds = clock.seconds, clock.seconds + step
    clock.seconds = last
    assert await statuses(http, "/health", 1) == [429]
    clock.seconds = 1000.0 + pause
    assert await statuses(http, "/health", 1) == [200]


async def test_requests_are_counted_by_path(
    backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    await statuses(http, "/health", 2)
    await token(http)
    assert backend.requests == {"/health": 2, "/auth/token": 1}


async def test_credentials_are_good_for_an_hour(
    backend: LabBackend, http: aiohttp.ClientSession, now: Clock
) -> None:
    headers = {"Authorization": bearer(backend, "alice", now())}
    async with http.post("/turn/credentials", headers=headers) as response:
        body = await response.json()
        assert response.status == 201
    username = "1700003600:alice"
    digest = hmac.digest(TURN_SECRET.encode(), username.encode(), hashlib.sha1)
    assert body == {
        "urls": list(TURN_URLS),
        "username": username,
        "credential": base64.b64encode(digest).decode(),
        "ttl": 3600,
    }


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic YTpi"])
async def test_credentials_without_a_token_are_refused(
    http: aiohttp.ClientSession, header: str
) -> None:
    async with http.post("/turn/credentials", headers={"Authorization": header}) as response:
        assert response.status == 401


async def test_a_token_of_another_secret_or_an_expired_one_gives_no_credentials(
    backend: LabBackend, http: aiohttp.ClientSession, now: Clock
) -> None:
    claims = {"sub": "alice", "deviceId": "alice"}
    foreign = jwt.encode(claims, JWT_SECRET[::-1], algorithm="HS256")
    for given in (f"Bearer {foreign}", bearer(backend, "alice", now() - 300)):
        async with http.post("/turn/credentials", headers={"Authorization": given}) as response:
            assert response.status == 401


async def test_metrics_count_sessions_and_the_queue(
    http: aiohttp.ClientSession, call: Call
) -> None:
    client = await call("alice")
    await call("bob")
    await client.join()
    async with http.get("/metrics") as response:
        lines = (await response.text()).splitlines()
        assert response.content_type == "text/plain"
    assert "video_chat_active_connections 2" in lines
    assert "video_chat_queue_length 1" in lines


async def test_what_nothing_increments_is_declared_and_has_no_samples(
    http: aiohttp.ClientSession,
) -> None:
    async with http.get("/metrics") as response:
        lines = (await response.text()).splitlines()
    assert "# TYPE video_chat_errors_total counter" in lines
    assert "# TYPE video_chat_request_duration_seconds histogram" in lines
    samples = {line.split()[0] for line in lines if not line.startswith("#")}
    assert samples == {
        "video_chat_active_connections",
        "video_chat_active_sessions",
        "video_chat_queue_length",
    }


async def test_it_speaks_tls_when_it_is_configured_to(leaks: None) -> None:
    authority = Authority()
    backend = LabBackend(
        jwt_secret=JWT_SECRET, turn_secret=TURN_SECRET, tls=authority.issue(("127.0.0.1",))
    )
    await backend.start()
    assert backend.url.startswith("https://127.0.0.1:")
    async with (
        aiohttp.ClientSession(backend.url) as http,
        http.get("/health", ssl=authority.client_context()) as response,
    ):
        assert response.status == 200
    await backend.stop()
