"""``/probe`` contacts nothing but what it is allowed to, by whatever way it is led there."""

import socket

import pytest

from probe.exporter.targets import AllowList, parse_entry
from probe.net.resolver import Address
from tests.exporter.asking import config_of, exporter
from tests.servers.pages import Pages, answers

PRIVATE = ["127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "::1", "fd00::1"]
METADATA = [
    "169.254.169.254",
    "fe80::1",
    "100.100.100.200",
    "168.63.129.16",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "0.0.0.0",
    "224.0.0.1",
    "64:ff9b:1:a::a9fe:a9fe",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2002:a9fe:a9fe::1",
    "2a00:1::5efe:a9fe:a9fe",
    "fd20:ce::254",
    "192.0.0.192",
    "240.0.0.1",
    "255.255.255.255",
    "ff0e::1",
]
# What a host pattern doesn't reach, and a network of the list does.
SPECIAL = ["198.18.0.1", "192.88.99.1", "64:ff9b:2::1", "2001:2::1", "2001:20::1", "5f00::1"]
LOOPBACK_FORMS = (
    *("0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "127.1", "0"),
    *("[::ffff:127.0.0.1]", "[::1%25lo]", "\u2460\u2461\u2466.0.0.1", "127\u30020\u30020\u30021"),
)


def address(ip: str, port: int = 443) -> Address:
    return Address(ip, port, socket.AF_INET6 if ":" in ip else socket.AF_INET)


def permits(entries: str, host: str, ip: str, port: int = 443) -> bool:
    return AllowList.of(entries.split()).permits(host, address(ip, port))


@pytest.mark.parametrize("ip", PRIVATE)
def test_a_host_pattern_lets_no_private_address_pass(ip: str) -> None:
    assert not permits("*", "rebound.example.org", ip)
    network = "::/0" if ":" in ip else "0.0.0.0/0"
    assert permits(network, ip, ip)


@pytest.mark.parametrize("ip", SPECIAL)
def test_addresses_of_a_special_purpose_have_to_be_named(ip: str) -> None:
    assert not permits("*", "rebound.example.org", ip)
    assert permits("::/0" if ":" in ip else "0.0.0.0/0", ip, ip)


@pytest.mark.parametrize("host", LOOPBACK_FORMS)
@pytest.mark.parametrize("module", ["http_2xx", "tcp_connect"])
async def test_no_way_of_writing_loopback_reaches_it(host: str, module: str) -> None:
    async with Pages(answers()) as pages, exporter(config_of(("*",))) as asked:
        target = f"{host}:{pages.port}"
        answer = await asked.probe(f"http://{target}/" if module == "http_2xx" else target, module)
    assert answer.status in (400, 403) or answer.success == 0.0
    assert pages.connections == 0


@pytest.mark.parametrize("ip", METADATA)
def test_links_and_metadata_services_are_never_contacted(ip: str) -> None:
    assert not permits("* 0.0.0.0/0 ::/0 169.254.169.254 fe80::/10", ip, ip)


@pytest.mark.parametrize(
    ("entries", "host", "port", "permitted"),
    [
        ("*.example.org", "a.example.org", 443, True),
        ("*.example.org", "A.Example.Org.", 443, True),
        ("*.example.org", "example.org", 443, False),
        ("*.example.org", "example.org.evil.net", 443, False),
        ("*.example.org", "evilexample.org", 443, False),
        ("a.example.org:443", "a.example.org", 443, True),
        ("a.example.org:443", "a.example.org", 22, False),
        ("1.1.1.0/24:443", "b.example.net", 443, True),
        ("1.1.1.0/24:443", "b.example.net", 80, False),
        ("1.1.1.1", "1.1.1.1", 53, True),
        ("", "a.example.org", 443, False),
    ],
)
def test_patterns_networks_and_ports_decide(
    entries: str, host: str, port: int, permitted: bool
) -> None:
    assert permits(entries, host, "1.1.1.1", port) is permitted


@pytest.mark.parametrize("text", ["10.0.0.1/8", "a b", "a:0", "a:99999", "http://a", "", "[::1"])
def test_what_is_no_entry_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_entry(text)


async def test_without_a_list_nothing_is_probed_and_the_answer_says_what_to_set() -> None:
    async with exporter(config_of(targets=())) as asked:
        answer = await asked.probe("http://127.0.0.1/")
    assert answer.status == 403
    assert "PROBE_EXPORTER_TARGETS" in answer.text


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Names that resolve to what a test says."""
    known: dict[str, str] = {}
    real = socket.getaddrinfo

    def look_up(host: str, port: int, **options: object) -> object:
        return real(known.get(str(host), str(host)), port, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.mark.parametrize("module", ["http_2xx", "tcp_connect", "stun", "turn_udp", "websocket"])
async def test_a_name_that_resolves_to_a_private_address_is_not_contacted(
    names: dict[str, str], module: str
) -> None:
    names["metadata.example.org"] = "127.0.0.1"
    async with Pages(answers()) as pages, exporter(config_of(("*.example.org",))) as asked:
        answer = await asked.probe(f"metadata.example.org:{pages.port}", module)
        literal = await asked.probe(f"127.0.0.1:{pages.port}", module)
    assert (answer.status, literal.status) == (403, 403)
    assert "metadata.example.org is not allowed" in answer.text
    assert pages.connections == 0


async def test_a_redirect_leads_nowhere_else(names: dict[str, str]) -> None:
    async with Pages(answers()) as inner:
        location = f"http://127.0.0.2:{inner.port}/"
        behaviour = answers(302, b"", Location=location)
        async with Pages(behaviour) as pages, exporter(config_of(("127.0.0.1/32",))) as asked:
            answer = await asked.probe(pages.url)
    assert (answer.status, answer.success) == (200, 0.0)
    assert 'cause="target_forbidden"' in answer.why
    assert inner.connections == 0


async def test_an_environments_proxy_is_no_way_around(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Pages(answers()) as proxy, exporter(config_of(("*.example.org",))) as asked:
        monkeypatch.setenv("http_proxy", proxy.url)
        answer = await asked.probe("http://no-such-name.invalid.example.org/")
    assert answer.success == 0.0 or answer.success is None
    assert proxy.connections == 0
