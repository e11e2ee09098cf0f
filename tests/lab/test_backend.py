"""The lab's backend answers HTTP as PairCam's does, and misbehaves as its knobs say."""

import base64
import hashlib
import hmac
from typing import Any

import aiohttp
import jwt
import pytest

from probe.lab.backend import Backend
from tests.lab.callers import JWT_SECRET, MOMENT, TURN_SECRET, Clock

START = 1_700_000_000
# So long is waited for an answer that must not come.
PATIENCE = aiohttp.ClientTimeout(total=MOMENT)


async def fetch(http: aiohttp.ClientSession, path: str = "/health") -> tuple[int, Any]:
    """Status and parsed body."""
    async with http.get(path) as answer:
        return answer.status, await answer.json()


async def token(http: aiohttp.ClientSession, device: object = "probe-1") -> tuple[int, str]:
    async with http.post("/auth/token", json={"deviceId": device}) as answer:
        return answer.status, await answer.text()


async def credentials(http: aiohttp.ClientSession, bearer: str) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {bearer}"}
    async with http.post("/turn/credentials", headers=headers) as answer:
        return answer.status, await answer.json() if answer.status == 201 else {}


async def test_health_tells_of_services_memory_and_instance(http: aiohttp.ClientSession) -> None:
    status, body = await fetch(http)
    assert (status, body["status"], body["version"]) == (200, "ok", "1.0.0")
    assert body["services"] == dict.fromkeys(("postgres", "redis", "pubsub"), "up")
    assert body["instance"]["id"] == "lab-1"
    assert set(body["memory"]) == {"rss", "heapTotal", "heapUsed", "external", "arrayBuffers"}


async def test_uptime_is_counted_from_the_start(
    backend: Backend, http: aiohttp.ClientSession, clock: Clock
) -> None:
    clock.seconds += 42
    assert (await fetch(http))[1]["uptime"] == 42
    backend.knobs.uptime = 3.0
    assert (await fetch(http))[1]["uptime"] == 3.0


@pytest.mark.parametrize("service", ["postgres", "redis", "pubsub"])
async def test_a_service_that_is_down_degrades_with_200(
    backend: Backend, http: aiohttp.ClientSession, service: str
) -> None:
    setattr(backend.knobs, service, "down")
    status, body = await fetch(http)
    assert (status, body["status"], body["services"][service]) == (200, "degraded", "down")
    status, body = await fetch(http, "/health/ready")
    assert (status, body["status"], body["services"][service]) == (200, "not-ready", False)


async def test_ready_says_so(http: aiohttp.ClientSession) -> None:
    services = dict.fromkeys(("postgres", "redis", "pubsub"), True)
    assert await fetch(http, "/health/ready") == (200, {"status": "ready", "services": services})


@pytest.mark.parametrize("path", ["/api/health", "/elsewhere"])
async def test_what_the_backend_does_not_have_is_a_404(
    http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(path) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("knob", "value"),
    [("postgres", "hangs"), ("silent", True), ("latency", 60.0)],
)
async def test_health_hangs(
    backend: Backend, http: aiohttp.ClientSession, knob: str, value: object
) -> None:
    setattr(backend.knobs, knob, value)
    with pytest.raises(TimeoutError):
        await http.get("/health", timeout=PATIENCE)


async def test_a_backend_that_was_silent_answers_again(
    backend: Backend, http: aiohttp.ClientSession
) -> None:
    backend.knobs.silent = True
    with pytest.raises(TimeoutError):
        await http.get("/health", timeout=PATIENCE)
    backend.knobs.silent = False
    assert (await fetch(http))[0] == 200


async def test_drop_closes_the_connection(backend: Backend, http: aiohttp.ClientSession) -> None:
    backend.knobs.drop = True
    with pytest.raises(aiohttp.ClientConnectionError):
        await http.get("/health")


async def test_status_version_and_instance_are_what_the_knobs_say(
    backend: Backend, http: aiohttp.ClientSession
) -> None:
    backend.knobs.status, backend.knobs.version, backend.knobs.instance = 503, "2.0", "lab-2"
    status, body = await fetch(http)
    assert (status, body["version"], body["instance"]["id"]) == (503, "2.0", "lab-2")


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
@pytest.mark.parametrize(("body", "text"), [("empty", ""), ("invalid", "<html>no JSON</html>")])
async def test_a_body_that_is_no_json(
    backend: Backend, http: aiohttp.ClientSession, body: Any, text: str, path: str
) -> None:
    backend.knobs.body = body
    async with http.get(path) as answer:
        assert (answer.status, await answer.text()) == (200, text)


async def test_a_body_that_is_a_list(backend: Backend, http: aiohttp.ClientSession) -> None:
    backend.knobs.body = "list"
    assert isinstance((await fetch(http))[1], list)


async def test_a_body_without_end(backend: Backend, http: aiohttp.ClientSession) -> None:
    backend.knobs.body = "endless"
    async with http.get("/health") as answer:
        # More than any buffer on the way holds.
        assert len(await answer.content.readexactly(4 * 1024 * 1024)) == 4 * 1024 * 1024


async def test_redirects_once_or_in_a_circle(backend: Backend, http: aiohttp.ClientSession) -> None:
    backend.knobs.redirect = "once"
    async with http.get("/health") as answer:
        assert (answer.status, len(answer.history)) == (200, 1)
    backend.knobs.redirect = "loop"
    with pytest.raises(aiohttp.TooManyRedirects):
        await http.get("/health")


async def test_a_token_is_signed_over_the_device_for_five_minutes(
    backend: Backend, http: aiohttp.ClientSession
) -> None:
    async with http.post("/auth/token", json={"deviceId": "probe-1"}) as answer:
        assert answer.status == 201
        body = await answer.json()
    assert body["expiresIn"] == "5m"
    anytime = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(body["accessToken"], JWT_SECRET, ["HS256"], options=anytime)  # type: ignore[arg-type]
    assert claims == {"sub": "probe-1", "deviceId": "probe-1", "iat": START, "exp": START + 300}
    assert backend.tokens_issued == 1


@pytest.mark.parametrize("device", [None, "", 7])
async def test_a_device_id_has_to_be_text(http: aiohttp.ClientSession, device: object) -> None:
    assert (await token(http, device))[0] == 400


async def test_five_tokens_a_minute_for_one_address(
    backend: Backend, http: aiohttp.ClientSession, clock: Clock
) -> None:
    answers = [(await token(http))[0] for _ in range(6)]
    assert answers == [201] * 5 + [429]
    clock.seconds += 60
    assert (await token(http))[0] == 201
    assert backend.tokens_issued == 6


@pytest.mark.parametrize(
    ("state", "status"), [("refused", 401), ("rate_limited", 429), ("invalid", 201)]
)
async def test_token_knob(
    backend: Backend, http: aiohttp.ClientSession, state: Any, status: int
) -> None:
    backend.knobs.token = state
    found, text = await token(http)
    assert found == status
    assert "accessToken" not in text


async def test_tokens_are_issued_without_redis(
    backend: Backend, http: aiohttp.ClientSession
) -> None:
    backend.knobs.redis = "down"
    assert (await token(http))[0] == 201


def signature(username: str, secret: str = TURN_SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), username.encode(), hashlib.sha1)).decode()


async def test_credentials_are_the_time_limited_form(
    backend: Backend, http: aiohttp.ClientSession
) -> None:
    status, body = await credentials(http, backend.tokens.issue("probe-1", START))
    username = f"{int(START) + 3600}:probe-1"
    assert status == 201
    assert body == {
        "urls": URLS,
        "username": username,
        "credential": signature(username),
        "ttl": 3600,
    }


@pytest.mark.parametrize("age", [301, 3600])
async def test_credentials_need_a_token_that_is_not_expired(
    backend: Backend, http: aiohttp.ClientSession, age: int
) -> None:
    assert (await credentials(http, backend.tokens.issue("probe-1", START - age)))[0] == 401
    assert (await credentials(http, "rubbish"))[0] == 401
    async with http.post("/turn/credentials") as answer:
        assert answer.status == 401


async def test_credentials_knob(backend: Backend, http: aiohttp.ClientSession) -> None:
    bearer = backend.tokens.issue("probe-1", START)
    backend.knobs.credentials = "expired"
    _, body = await credentials(http, bearer)
    assert int(body["username"].split(":")[0]) < START
    assert body["credential"] == signature(body["username"])
    backend.knobs.credentials = "wrong"
    _, body = await credentials(http, bearer)
    assert body["credential"] != signature(body["username"])
    backend.knobs.credentials = "empty"
    assert (await credentials(http, bearer))[1]["urls"] == []
    backend.knobs.credentials = "refused"
    assert (await credentials(http, bearer))[0] == 401


def samples(text: str) -> list[str]:
    """The names of the samples of an exposition."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [line.split("{")[0].split(" ")[0] for line in lines]


async def test_metrics_without_samples_of_what_nothing_increments(
    backend: Backend, http: aiohttp.ClientSession
) -> None:
    async with http.get("/metrics") as answer:
        text = await answer.text()
    gauges = ("active_connections", "active_sessions", "queue_length")
    assert samples(text) == [f"video_chat_{name}" for name in gauges]
    for name in ("connection_success_total", "connection_failures_total", "errors_total"):
        assert f"# TYPE video_chat_{name} counter" in text
    assert "# TYPE video_chat_request_duration_seconds histogram" in text
    backend.knobs.metrics = "filled"
    async with http.get("/metrics") as answer:
        assert "video_chat_connection_success_total" in samples(await answer.text())
