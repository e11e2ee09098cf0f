"""Proxies of the environment lead checks, heartbeat and notifiers alike; .netrc nothing."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from alerts.notifiers.base import post
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result, Status
from probe.core.runner import run_check
from probe.diagnostics.heartbeat import Heartbeat
from probe.kinds import engineio, http, signaling
from probe.net import proxies
from tests.servers.certificate import make_certificate
from tests.servers.middleboxes.proxy import Proxy
from tests.servers.pages import Pages, answers, closed_port
from tests.servers.signaling import signaling_server

NAME = "app.behind-proxy.test"
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither of the machine's own, and a .netrc that nothing may read."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login someone password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))


async def get(url: str, **settings: Any) -> Result:
    table = http.HttpTable.model_validate({"name": "page", "url": url, **settings})
    return await run_check(Check(http.KIND, table), Context())


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_check_goes_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    async with Pages(answers()) as pages, Proxy(pages.port) as proxy:
        monkeypatch.setenv(variable, proxy.url)
        result = await get(f"http://{NAME}/health")
        assert result.status is Status.OK, result.failure
        assert proxy.seen == [f"GET http://{NAME}/health"]


async def test_https_goes_through_connect_and_the_certificate_is_the_target_s(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path, names=(NAME,))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.cert_file, certificate.key_file)
    async with Pages(answers(), tls=tls) as pages, Proxy(pages.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        result = await get(f"https://{NAME}/", ca_file=certificate.ca_file)
        assert result.status is Status.OK, result.failure
        assert proxy.seen == [f"CONNECT {NAME}:443"]
    assert "tls" in result.phases
    assert "probe_ssl_earliest_cert_expiry" in {each.signal.name for each in result.samples}


async def test_heartbeat_and_notifiers_go_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Pages(answers()) as pages, Proxy(pages.port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        heartbeat = Heartbeat(f"http://{NAME}/ping")
        await heartbeat.beat()
        answer = await post(f"http://{NAME}/hook", json={})
        assert (heartbeat.problem, answer.status) == ("", 200)
        assert proxy.seen == [f"GET http://{NAME}/ping", f"POST http://{NAME}/hook"]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("kind", [engineio.KIND, signaling.KIND], ids=lambda kind: kind.name)
async def test_a_websocket_goes_through_the_proxy_too(
    monkeypatch: pytest.MonkeyPatch, kind: Any, transport: str
) -> None:
    async with signaling_server() as server, Proxy(port_of(server.url)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        given = {"name": "toy", "url": f"http://{NAME}", "transport": transport}
        check = Check(kind, kind.table.model_validate(given))
        result = await run_check(check, Context())
        assert result.status is Status.OK, result.failure
        assert proxy.seen


async def test_a_login_in_the_proxy_s_address_is_used_and_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Pages(answers()) as pages, Proxy(pages.port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:s%40fe@127.0.0.1:{proxy.port}")
        assert (await get(f"http://{NAME}/")).status is Status.OK
        assert proxy.logins == ["Basic bWU6c0BmZQ=="]
        assert proxies.passwords() == {"s%40fe", "s@fe"}
        assert "fe" not in proxies.proxies_text()
        monkeypatch.setenv("HTTP_PROXY", f"http://me:s%40fe@127.0.0.1:{closed_port()}")
        failure = (await get(f"http://{NAME}/")).failure
    assert failure is not None
    assert "s@fe" not in failure.message
    assert "me:" not in failure.message


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("", "http://127.0.0.1:{port}/"),
        ("", "http://localhost:{port}/"),
        ("*", "http://127.0.0.1:{port}/"),
    ],
)
async def test_this_machine_is_reached_directly(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str
) -> None:
    async with Pages(answers()) as pages, Proxy(pages.port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", no_proxy)
        assert (await get(url.format(port=pages.port))).status is Status.OK
        assert proxy.seen == []


@pytest.mark.parametrize(
    ("environment", "url", "proxied"),
    [
        ({"HTTP_PROXY": "http://p:1"}, "http://a.test/", True),
        ({"HTTP_PROXY": "http://p:1"}, "https://a.test/", False),
        ({"HTTP_PROXY": "p:1"}, "ws://a.test/", True),
        ({"HTTPS_PROXY": "http://p:1"}, "wss://a.test/", True),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "a.test"}, "http://a.test/", False),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": ".test"}, "http://a.test/", False),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "b.test"}, "http://a.test/", True),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "a.test:81"}, "http://a.test:80/", True),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}, "http://a.test/", False),
        ({"ALL_PROXY": "http://p:1"}, "https://a.test/", True),
        ({"ALL_PROXY": "socks5://p:1"}, "https://a.test/", False),
        ({"HTTP_PROXY": "http://p:1"}, "http://[::1]/", False),
        ({}, "http://a.test/", False),
    ],
)
def test_which_address_a_proxy_leads_to(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], url: str, proxied: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (proxies.proxy_for(url) is not None) is proxied


@pytest.mark.parametrize(
    ("listed", "url", "proxied"),
    [
        ("10.0.0.0/8", "http://10.1.2.3/", False),
        ("localhost,10.0.0.0/8,.svc", "https://10.1.2.3:8443/", False),
        ("10.0.0.0/8", "http://11.1.2.3/", True),
        ("10.0.0.0/8", "http://10.test/", True),
        ("10.1.2.3", "http://10.1.2.3:81/", False),
        ("10.1.2.3:80", "http://10.1.2.3/", False),
        ("10.1.2.3:80", "http://10.1.2.3:81/", True),
        ("10.1.2.3/40", "http://10.1.2.3/", True),
        ("fd00::/16", "http://[fd00::5]/", False),
        ("fd00:0::5", "http://[fd00::5]/", False),
        ("[fd00::5]", "http://[fd00::5]/", False),
        ("[fd00::5]:443", "wss://[fd00::5]/", False),
        ("*.app.test", "http://a.app.test/", False),
        ("*.app.test", "http://xapp.test/", True),
        ("*.test", "wss://app.test/", False),
        ("app.test:80", "ws://app.test/", False),
        ("app.test:443", "https://App.test/", False),
        ("app.test:443", "http://app.test/", True),
        ("b.test;app.test", "http://app.test/", False),
        ("b.test app.test", "http://app.test/", False),
        (",", "http://app.test/", True),
        ("*.", "http://app.test/", True),
        (":80", "http://app.test/", True),
        ("/", "http://app.test/", True),
    ],
)
def test_what_is_reached_without_the_proxy(
    monkeypatch: pytest.MonkeyPatch, listed: str, url: str, proxied: bool
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://p:1")
    monkeypatch.setenv("NO_PROXY", listed)
    assert (proxies.proxy_for(url) is not None) is proxied


def test_a_proxy_that_can_t_be_used_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:secret@p:1")
    assert proxies.warnings() == [
        "HTTPS_PROXY: only http:// proxies can be used, this one is ignored"
    ]
    assert not proxies.are_configured()


@pytest.mark.parametrize(
    ("status", "found", "cause"),
    [
        (407, Status.UNKNOWN, Cause.OWN_NETWORK),
        (403, Status.UNKNOWN, Cause.OWN_NETWORK),
        (502, Status.FAILED, Cause.CONNECT_FAILED),
        (504, Status.FAILED, Cause.CONNECT_FAILED),
    ],
)
async def test_what_the_proxy_refuses_is_not_the_target_s_fault(
    monkeypatch: pytest.MonkeyPatch, status: int, found: Status, cause: Cause
) -> None:
    async with Proxy(0, status=status) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        result = await get(f"https://{NAME}/")
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (found, cause)
    assert f"127.0.0.1:{proxy.port} answers {status}" in result.failure.message


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "http://proxy.invalid:{port}"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_gone_is_our_own_network(
    monkeypatch: pytest.MonkeyPatch, scheme: str, address: str
) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", address.format(port=closed_port()))
    result = await get(f"{scheme}://{NAME}/")
    assert result.failure is not None
    assert (result.status, result.failure.cause) == (Status.UNKNOWN, Cause.OWN_NETWORK)
    assert "no connection to the proxy" in result.failure.message
    assert "NO_PROXY" in result.failure.hint


async def test_no_password_of_netrc_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Pages(answers()) as pages, Proxy(pages.port) as proxy:
        assert (await post(f"{pages.url}/enqueue", json={})).status == 200
        assert (await get(pages.url)).status is Status.OK
        await Heartbeat(f"{pages.url}/ping").beat()
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert (await post(f"http://{NAME}/hook", json={})).status == 200
        assert len(pages.heads) == 4
        assert not [head for head in pages.heads if "authorization" in head.lower()]
        assert proxy.logins == []
