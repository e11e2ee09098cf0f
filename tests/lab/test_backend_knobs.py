"""Every knob of the lab's backend does what it says, while the backend runs."""

import base64
import hashlib
import hmac
import time
from dataclasses import fields
from typing import Any, Literal

import aiohttp
import pytest

from probe.lab.backend import LabBackend
from probe.lab.knobs import BackendKnobs
from tests.lab.turn.callers import MOMENT, PATIENCE, TURN_SECRET, TURN_URLS, Clock, bearer

PATHS = ("/health", "/health/ready", "/metrics", "/", "/socket.io/?EIO=4&transport=polling")
SOON = aiohttp.ClientTimeout(total=MOMENT)
TURNED = {"postgres", "redis", "pubsub", "status", "body", "redirect", "latency", "silent", "drop"}
TURNED |= {"rate_limited", "limits", "token", "signaling", "signaling_latency", "credentials"}
TURNED |= {"version", "instance", "uptime", "memory", "metrics", "hsts", "cors_open"}
TURNED |= {"match", "second_match", "clock_offset", "channels", "gauges"}
TURNED |= {"relayed_share", "failed_share", "error_share", "request_seconds"}


async def health(http: aiohttp.ClientSession, path: str = "/health") -> dict[str, Any]:
    """What it says, which must be 200 and JSON."""
    async with http.get(path) as response:
        assert response.status == 200
        found: dict[str, Any] = await response.json()
        return found


def test_no_knob_is_left_out() -> None:
    assert {field.name for field in fields(BackendKnobs)} == TURNED


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
async def test_status_is_the_status_code(
    backend: LabBackend, http: aiohttp.ClientSession, path: str
) -> None:
    backend.knobs.status = 503
    async with http.get(path) as response:
        assert response.status == 503
        assert (await response.json())["status"] in ("ok", "ready")


@pytest.mark.parametrize("service", ["postgres", "redis", "pubsub"])
async def test_a_service_that_is_down_is_reported_with_200(
    backend: LabBackend, http: aiohttp.ClientSession, service: str
) -> None:
    setattr(backend.knobs, service, "down")
    body, ready = await health(http), await health(http, "/health/ready")
    assert (body["status"], ready["status"]) == ("degraded", "not-ready")
    assert [name for name, state in body["services"].items() if state == "down"] == [service]
    assert [name for name, up in ready["services"].items() if not up] == [service]


@pytest.mark.parametrize("service", ["postgres", "redis", "pubsub"])
@pytest.mark.parametrize("path", ["/health", "/health/ready"])
async def test_health_hangs_with_a_service_that_hangs_and_the_rest_goes_on(
    leaks: None, backend: LabBackend, http: aiohttp.ClientSession, service: str, path: str
) -> None:
    setattr(backend.knobs, service, "hangs")
    with pytest.raises(TimeoutError):
        await http.get(path, timeout=SOON)
    async with http.get("/metrics") as response:
        assert response.status == 200


@pytest.mark.parametrize(("body", "text"), [("invalid", "<html>no JSON</html>"), ("empty", "")])
async def test_the_body_can_be_what_is_no_json(
    backend: LabBackend,
    http: aiohttp.ClientSession,
    body: Literal["invalid", "empty"],
    text: str,
) -> None:
    backend.knobs.body = body
    for path in ("/health", "/health/ready"):
        async with http.get(path) as response:
            assert (response.status, await response.text()) == (200, text)


async def test_the_body_can_be_a_list(backend: LabBackend, http: aiohttp.ClientSession) -> None:
    backend.knobs.body = "list"
    async with http.get("/health") as response:
        (report,) = await response.json()
        assert report["status"] == "ok"


async def test_the_body_can_be_endless(
    leaks: None, backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    backend.knobs.body = "endless"
    response = await http.get("/health")
    assert len(await response.content.readexactly(1 << 20)) == 1 << 20
    response.close()


async def test_health_can_say_another_clock_and_fewer_channels(
    backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    before = (await health(http))["timestamp"]
    backend.knobs.clock_offset, backend.knobs.channels = -3600.0, 2
    body = await health(http)
    assert body["timestamp"] < before - 3_000_000
    assert body["instance"]["subscribedChannels"] == 2


async def test_gauges_can_be_wired_to_nothing(
    backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    backend.knobs.gauges = "unwired"
    async with http.get("/metrics") as response:
        assert "video_chat_active_sessions 0" in await response.text()


async def test_health_can_redirect_to_its_answer(
    backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    backend.knobs.redirect = "once"
    async with http.get("/health") as response:
        assert [each.status for each in response.history] == [302]
        assert (await response.json())["status"] == "ok"


async def test_health_can_redirect_in_a_circle(
    backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    backend.knobs.redirect = "loop"
    with pytest.raises(aiohttp.TooManyRedirects):
        await http.get("/health", max_redirects=5)


@pytest.mark.parametrize("path", PATHS)
async def test_latency_comes_before_every_answer(
    leaks: None, backend: LabBackend, http: aiohttp.ClientSession, path: str
) -> None:
    backend.knobs.latency = 0.05
    began = time.monotonic()
    async with http.get(path) as response:
        assert response.status == 200
    assert time.monotonic() - began >= 0.049


@pytest.mark.parametrize("path", PATHS)
async def test_silent_accepts_and_never_answers(
    leaks: None, backend: LabBackend, http: aiohttp.ClientSession, path: str
) -> None:
    backend.knobs.silent = True
    with pytest.raises(TimeoutError):
        await http.get(path, timeout=SOON)
    backend.knobs.silent = False
    async with http.get(path) as response:
        assert response.status == 200


@pytest.mark.parametrize("path", PATHS)
async def test_drop_closes_the_connection(
    leaks: None, backend: LabBackend, http: aiohttp.ClientSession, path: str
) -> None:
    backend.knobs.drop = True
    with pytest.raises(aiohttp.ClientConnectionError):
        await http.post(path, timeout=aiohttp.ClientTimeout(total=PATIENCE))
    backend.knobs.drop = False
    async with http.get(path) as response:
        assert response.status == 200


@pytest.mark.parametrize("path", PATHS)
async def test_rate_limited_is_429_for_everything(
    backend: LabBackend, http: aiohttp.ClientSession, path: str
) -> None:
    backend.knobs.rate_limited = True
    async with http.get(path) as response:
        assert response.status == 429


async def test_without_limits_everything_but_tokens_may_be_asked_at_will(
    backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    backend.knobs.limits = False
    for _ in range(11):
        await health(http)
    statuses = []
    for _ in range(6):
        async with http.post("/auth/token", json={"deviceId": "alice"}) as response:
            statuses.append(response.status)
    assert statuses == [201] * 5 + [429]


@pytest.mark.parametrize(
    ("state", "status"), [("ok", 201), ("refused", 401), ("rate_limited", 429), ("invalid", 201)]
)
async def test_a_token_can_be_denied(
    backend: LabBackend, http: aiohttp.ClientSession, state: Any, status: int
) -> None:
    backend.knobs.token = state
    async with http.post("/auth/token", json={"deviceId": "alice"}) as response:
        assert response.status == status
        assert ("accessToken" in await response.text()) == (state == "ok")


@pytest.mark.parametrize(
    ("state", "expiry", "secret", "urls"),
    [
        ("expired", 1_699_996_400, TURN_SECRET, list(TURN_URLS)),
        ("wrong", 1_700_003_600, f"not {TURN_SECRET}", list(TURN_URLS)),
        ("empty", 1_700_003_600, TURN_SECRET, []),
    ],
)
async def test_credentials_can_be_bad(
    backend: LabBackend,
    http: aiohttp.ClientSession,
    now: Clock,
    state: Any,
    expiry: int,
    secret: str,
    urls: list[str],
) -> None:
    backend.knobs.credentials = state
    headers = {"Authorization": bearer(backend, "alice", now())}
    async with http.post("/turn/credentials", headers=headers) as response:
        body = await response.json()
        assert response.status == 201
    username = f"{expiry}:alice"
    digest = hmac.digest(secret.encode(), username.encode(), hashlib.sha1)
    credential = base64.b64encode(digest).decode()
    assert (body["urls"], body["username"], body["credential"]) == (urls, username, credential)


async def test_credentials_can_be_refused(
    backend: LabBackend, http: aiohttp.ClientSession, now: Clock
) -> None:
    backend.knobs.credentials = "refused"
    headers = {"Authorization": bearer(backend, "alice", now())}
    async with http.post("/turn/credentials", headers=headers) as response:
        assert response.status == 401


async def test_health_says_the_version_instance_and_uptime_that_are_set(
    backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    knobs = backend.knobs
    knobs.version, knobs.instance, knobs.uptime = "2.0.0", "lab-2", 3.0
    body = await health(http)
    assert (body["version"], body["instance"]["id"], body["uptime"]) == ("2.0.0", "lab-2", 3.0)


async def test_filled_metrics_have_samples(
    backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    backend.knobs.metrics = "filled"
    async with http.get("/metrics") as response:
        lines = (await response.text()).splitlines()
    split = [line.rpartition(" ") for line in lines if line[0] != "#"]
    counts = {name: float(count) for name, _, count in split}
    relayed = 'video_chat_connection_success_total{connection_type="turn"}'
    assert counts[relayed] >= 99
    assert 'video_chat_errors_total{error_type="timeout",component="api"}' in counts
    declared = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    samples = {line.partition("{")[0].split()[0] for line in lines if line[0] != "#"}
    parts = ("_bucket", "_sum", "_count")
    families = {name for name in samples if not name.endswith(parts)}
    histograms = {"video_chat_request_duration_seconds", "video_chat_match_latency_seconds"}
    assert declared - families == histograms
    assert len(samples - families) == len(histograms) * len(parts)


@pytest.mark.parametrize("path", ["/health", "/none", "/"])
async def test_hsts_is_sent_unless_it_is_turned_off(
    backend: LabBackend, http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(path) as response:
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    backend.knobs.hsts = False
    async with http.get(path) as response:
        assert "Strict-Transport-Security" not in response.headers


async def test_a_foreign_origin_is_allowed_only_when_all_are(
    backend: LabBackend, http: aiohttp.ClientSession
) -> None:
    async def allowed(origin: str) -> str | None:
        async with http.get("/health", headers={"Origin": origin}) as response:
            return response.headers.get("Access-Control-Allow-Origin")

    foreign = "https://foreign-origin.invalid"
    assert [await allowed(foreign), await allowed(backend.url)] == [None, backend.url]
    backend.knobs.cors_open = True
    assert await allowed(foreign) == foreign
