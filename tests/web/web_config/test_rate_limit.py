"""``rate_limit`` of the web configuration file, as exporter-toolkit has it."""

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from probe.web import security as security_module
from probe.web.rate_limit import limit_rate
from probe.web.security import WebSecurity
from probe.web.web_config import WebConfig, WebConfigError, read_web_config
from tests.clocks import Clock
from tests.web.web_config.test_web_config import (
    HASH,
    PASSWORD,
    USER,
    _get,
    _login,
    _written,
    served,
)


class Client:
    """Asks the middleware alone, on a clock that is moved."""

    def __init__(self, security: WebSecurity) -> None:
        self.clock = Clock()
        self._middleware = limit_rate(security, self.clock)

    async def status(self, path: str = "/metrics") -> int:
        async def handler(request: web.Request) -> web.StreamResponse:
            return web.Response()

        return (await self._middleware(make_mocked_request("GET", path), handler)).status


async def test_a_burst_then_one_an_interval(tmp_path: Path) -> None:
    limit = {"interval": "2s", "burst": 3}
    client = Client(WebSecurity(_written(tmp_path, {"rate_limit": limit})))
    assert [await client.status() for _ in range(5)] == [200, 200, 200, 429, 429]
    client.clock.pass_(1.9)
    assert await client.status() == 429
    client.clock.pass_(0.2)
    assert [await client.status() for _ in range(2)] == [200, 429]
    client.clock.pass_(3600)
    assert [await client.status() for _ in range(4)] == [200, 200, 200, 429]


async def test_health_checks_are_never_limited(tmp_path: Path) -> None:
    client = Client(WebSecurity(_written(tmp_path, {"rate_limit": {"interval": "1h", "burst": 1}})))
    assert await client.status() == 200
    assert await client.status("/") == 429
    for path in ("/healthz", "/readyz", "/-/healthy"):
        assert [await client.status(path) for _ in range(3)] == [200] * 3


async def test_a_new_limit_is_in_force_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security_module, "CHECK_SECONDS", 0.0)
    path = _written(tmp_path, {"rate_limit": {"interval": "1h", "burst": 1}})
    client = Client(WebSecurity(path))
    assert [await client.status() for _ in range(2)] == [200, 429]
    _written(tmp_path, {"rate_limit": {"interval": "1h", "burst": 20}})
    assert await client.status() == 200
    _written(tmp_path, {})
    assert [await client.status() for _ in range(50)] == [200] * 50


async def test_wrong_logins_count_and_no_password_is_compared_beyond(tmp_path: Path) -> None:
    document = {"rate_limit": {"interval": "1h", "burst": 2}, "basic_auth_users": {USER: HASH}}
    async with served(WebSecurity(_written(tmp_path, document))) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        assert (await _get(url))[0] == 401
        assert (await _get(url, headers=_login(USER, PASSWORD)))[0] == 200
        status, headers = await _get(url, headers=_login(USER, PASSWORD))
        assert (status, headers["Retry-After"]) == (429, "3600")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("100ms", 0.1),
        ("1m30s", 90.0),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("250us", 0.00025),
        ("+2s", 2.0),
        ("0", 0.0),
        ("0s", 0.0),
        (0, 0.0),
        (None, 0.0),
    ],
)
def test_durations_are_those_of_go(tmp_path: Path, text: object, seconds: float) -> None:
    path = _written(tmp_path, {"rate_limit": {"interval": text, "burst": 1}})
    assert read_web_config(path)[0].rate_limit.interval == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("interval", "burst", "words"),
    [
        (1, 1, "rate_limit.interval: write a number with its unit"),
        ("1", 1, "interval: write a number with its unit"),
        ("1 s", 1, "interval: write a number with its unit"),
        ("1d", 1, "interval: write a number with its unit"),
        ("s", 1, "interval: write a number with its unit"),
        (True, 1, "interval: write a number with its unit"),
        (False, 1, "interval: write a number with its unit"),
        (float("nan"), 1, "interval: write a number with its unit"),
        ([], 1, "interval: write a number with its unit"),
        ("\uff11s", 1, "interval: write a number with its unit"),
        ("-1s", 1, "interval: must be from 0 to 24h"),
        ("25h", 1, "interval: must be from 0 to 24h"),
        ("9" * 39 + "h", 1, "interval: must be from 0 to 24h"),
        ("1s", 0, "without a burst no request is answered: write burst: 1"),
        ("1s", None, "rate_limit.burst: "),
        ("1s", -1, "rate_limit.burst: "),
        ("1s", 1.5, "rate_limit.burst: "),
        ("1s", "3", "rate_limit.burst: "),
        ("1s", True, "rate_limit.burst: "),
        ("1s", 10**30, "rate_limit.burst: "),
    ],
)
def test_what_is_no_rate_is_refused(
    tmp_path: Path, interval: object, burst: object, words: str
) -> None:
    path = _written(tmp_path, {"rate_limit": {"interval": interval, "burst": burst}})
    with pytest.raises(WebConfigError, match=words):
        read_web_config(path)


def test_a_burst_alone_limits_nothing(tmp_path: Path) -> None:
    assert not read_web_config(_written(tmp_path, {"rate_limit": {"burst": 5}}))[
        0
    ].rate_limit.interval
    assert WebConfig().rate_limit.interval == 0
