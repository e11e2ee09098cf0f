"""DNS rebinding: which names a browser may have for the pages, and who is no browser."""

import logging
import socket

import aiohttp
import pytest
from pydantic import SecretStr

from probe.config.listen import host_patterns
from probe.web.access import Access
from probe.web.browsers.hosts import OwnHosts
from tests.web.site_server import Source, closed, public_alone, served

# As Chromium, Firefox and Safari send them to a page by plain HTTP.
BROWSER = {"Accept-Language": "en-US,en;q=0.9", "User-Agent": "Mozilla/5.0 (X11) Chrome/130"}
OWN = OwnHosts.of(["status.example.org", "probe.example.com", "*.corp.example.com."])
FOREIGN = (
    *("rebind.attacker.example", "rebind.attacker.example:9091", "attacker.example."),
    *("ATTACKER.example", "127.0.0.1.attacker.example", "localhost.attacker.example"),
    *("internal.attacker.example", "notlocalhost.example", "a.xn--80ak6aa92e.example"),
    *("status.example.org.attacker.example", "corp.example.com", "evilcorp.example.com"),
    *("probe.example.com.attacker.example:80", "attacker.example:9091:9091", "", ":9091"),
    *("127.0.0.1:9091@attacker.example", "[::1].attacker.example", "0x7f.0x1.example"),
)
KNOWN = (
    *("127.0.0.1", "127.0.0.1:9091", "10.1.2.3:80", "[::1]:9091", "[fdaa::3]", "[fe80::1%25eth0]"),
    *("localhost", "LOCALHOST:9091", "localhost.", "probe.localhost", "probe", "probe:9091"),
    *("paircam-probe.internal:9091", "probe.local", "probe.home.arpa", "probe.test"),
    *("probe.monitoring.svc.cluster.local", "status.example.org", "Status.Example.org.:443"),
    *("probe.example.com", "a.corp.example.com", "a.b.corp.example.com:9091"),
)


@pytest.mark.parametrize("host", FOREIGN)
def test_a_name_that_a_stranger_may_own_is_foreign(host: str) -> None:
    assert not OWN.has(host)
    assert OWN.is_rebound({**BROWSER, "Host": host})


@pytest.mark.parametrize("host", KNOWN)
def test_addresses_reserved_and_configured_names_are_known(host: str) -> None:
    assert OWN.has(host)
    assert not OWN.is_rebound({**BROWSER, "Host": host})


def test_every_name_is_known_where_that_is_configured() -> None:
    assert OwnHosts.of(["*"]).has("attacker.example")
    assert not OwnHosts.of(["*"]).has("")


def test_the_machine_has_its_own_name() -> None:
    assert OwnHosts.of([]).has(f"{socket.gethostname()}:9091")


@pytest.mark.parametrize(
    "sent",
    [
        {"Accept-Language": "en"},
        {"Accept-Language": ""},
        {"User-Agent": "Mozilla/5.0"},
        {"Origin": "http://attacker.example", "User-Agent": "curl/8"},
        {"Referer": "http://attacker.example/page"},
        {"Accept-Language": "en", "X-Forwarded-Host": "localhost", "Forwarded": "host=localhost"},
        {"Accept-Language": "en", "X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https"},
    ],
)
def test_what_a_page_can_set_makes_it_no_script(sent: dict[str, str]) -> None:
    assert OWN.is_rebound({**sent, "Host": "attacker.example"})


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"User-Agent": "Prometheus/3.5.0", "Accept-Encoding": "gzip"},
        {"User-Agent": "curl/8.10.1", "Accept": "*/*"},
        {"User-Agent": "Consul Health Check", "Via": "1.1 proxy"},
    ],
)
def test_scrapers_and_scripts_may_use_any_name(sent: dict[str, str]) -> None:
    assert not OWN.is_rebound({**sent, "Host": "probe.example.net"})
    assert not OWN.is_rebound(sent)


@pytest.mark.parametrize("name", ["Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"])
def test_behind_a_proxy_that_ends_tls_the_certificate_has_proved_the_name(name: str) -> None:
    assert not OWN.is_rebound({**BROWSER, "Host": "probe.example.net", name: "none"})


async def _status(client: aiohttp.ClientSession, path: str, host: str) -> int:
    async with client.get(path, headers={**BROWSER, "Host": host}) as answer:
        body = await answer.read() if path != "/events" else b""
    assert answer.status != 421 or path == "/events" or b"PROBE_ALLOWED_HOSTS" in body
    return answer.status


async def test_a_rebound_page_reads_nothing_and_what_is_public_stays_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served(Source().pages(Access(open_paths=frozenset({"/status"})))) as (client, _):
        for path in ("/", "/status.json", "/metrics", "/incidents", "/checks/health", "/events"):
            assert await _status(client, path, "attacker.example") == 421, path
        for path in ("/healthz", "/readyz", "/status"):
            assert await _status(client, path, "attacker.example") == 200, path
        assert await _status(client, "/", "localhost") == 200
        assert await _status(client, "/nothing", "attacker.example") == 421
    lines = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert [each.getMessage().count("attacker.example") for each in lines] == [1]


async def test_a_hostile_name_is_neither_in_the_log_nor_in_the_answer_as_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served(Source().pages()) as (client, _):
        await _status(client, "/", "<script>.\u202e.attacker.example" + "a" * 3000)
    assert "\u202e" not in caplog.text
    assert len(caplog.text) < 600


async def test_with_a_login_the_browser_has_none_for_a_foreign_name() -> None:
    async with served(closed(Source())) as (client, _):
        assert await _status(client, "/", "attacker.example") == 401


async def test_metrics_that_are_open_beside_a_login_are_not_read_by_a_rebound_page() -> None:
    access = Access(token=SecretStr("a-token-of-mine"), metrics_open=True)
    async with served(Source().pages(access)) as (client, _):
        assert await _status(client, "/metrics", "attacker.example") == 421
        async with client.get("/metrics", headers={"Host": "probe.example.net"}) as answer:
            assert answer.status == 200


async def test_the_public_page_on_its_own_port_has_any_name() -> None:
    async with served(public_alone(Source())) as (client, _):
        assert await _status(client, "/", "status.example.org") == 200


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("probe.example.org", ("probe.example.org",)),
        (" a.example, *.b.example;* ", ("a.example", "*.b.example", "*")),
    ],
)
def test_names_are_read_from_a_list(text: str, found: tuple[str, ...]) -> None:
    assert host_patterns(text) == found


@pytest.mark.parametrize(
    "text",
    [
        *("https://probe.example.org", "probe.example.org:9091", "a/b", "*.*", "a.*", "**"),
        *("*.", ".example.org", "-", "grün.example"),
    ],
)
def test_what_is_no_name_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match=r"without scheme and port"):
        host_patterns(text)
