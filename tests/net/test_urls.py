"""Addresses as people write them, and what they are told about their mistakes."""

import subprocess
import sys
from itertools import product

import ada_url
import pytest

from probe.net.fetch.web_address import web_address
from probe.net.urls import check_base_url, check_http_url, show_host, show_url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("paircam.live", "'paircam.live' has no scheme: write https://paircam.live"),
        ("localhost:3333", "'localhost:3333' has no scheme: write http://localhost:3333"),
        ("u:hunter2@host.example/?t=hunter2", "'host.example/' has no scheme"),
        ("wss://paircam.live", "'wss://paircam.live' is not a web address: write https://paircam"),
        ("https//paircam.live", "has no scheme: write https://paircam.live"),
        ("http:\\\\localhost:3333", "has no scheme: write http://localhost:3333"),
        ("https;//paircam.live/a", "has no scheme: write https://paircam.live/a"),
        ("<https://paircam.live>", "is in angle brackets: leave them out"),
        ("https://paircam.live>", "is in angle brackets: leave them out"),
        ("file:///etc/hosts", "is not a web address: write it like https://example.org"),
        ("ftp://-x.example/", "is not a web address: write it like https://example.org"),
        ("https:", "has no scheme: write it like https://example.org"),
        ("https://", "'https://' names no host"),
        ("https://u:hunter2@:80", "names no host"),
        ("https://pair cam", "holds a blank"),
        ("https://paircam.live\n", "holds a blank or a control character"),
        ("https://[::1", "'https://[::1' is not a web address"),
        ("https://paircam.live:99999", "has an impossible port: write one from 1 to 65535"),
        ("https://paircam.live:0", "has an impossible port"),
        ("https://paircam.live:http", "has an impossible port"),
        ("https://user:hunter2/x@host", "'https://host' has an impossible port"),
        ("https://-x.example", "has an impossible host name"),
        ("http://127.1/", "has an impossible host name"),
        ("http://2130706433/", "has an impossible host name"),
        ("http://256.1.1.1/", "has an impossible host name"),
    ],
)
def test_a_mistake_is_reported_with_what_would_be_right(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        check_http_url(url)
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://paircam.live",
        "http://localhost:3333/health",
        "http://[::1]:3333/",
        "http://my_backend.internal:3333",
        "http://_api.internal:4280",
        "https://bücher.example/",
        "https://user:pass@paircam.live/?a=b",
    ],
)
def test_what_is_right_stays_as_it_is(url: str) -> None:
    assert check_http_url(url) == url


def test_a_base_takes_paths_and_no_query() -> None:
    assert check_base_url("https://paircam.live/api/") == "https://paircam.live/api"
    with pytest.raises(ValueError, match=r"write https://paircam\.live/, without query"):
        check_base_url("https://paircam.live/?x=hunter2")


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    url = "https://user:hunter2@paircam.live:8443/health?token=hunter2#hunter2"
    assert show_url(url) == "https://paircam.live:8443/health"
    assert show_host(url) == "paircam.live:8443"
    assert show_host("http://[::1]:80/") == "[::1]:80"


def test_plain_addresses_are_read_without_the_parser_of_browsers_and_as_it_reads_them() -> None:
    hosts = ("127.0.0.1", "255.10.0.99", "example.org", "a.b", "localhost")
    ports = ("", ":1", ":80", ":443", ":8080", ":10000", ":59999")
    paths = ("", "/", "/a", "/a/b.c/", "/health?x=1&y=2", "/a#b")
    addresses = [
        f"{scheme}://{host}{port}{path}"
        for scheme, host, port, path in product(("http", "https"), hosts, ports, paths)
    ]
    script = "import sys; from probe.net.fetch.web_address import web_address as read\n"
    script += "print(*map(read, sys.argv[1:]), 'ada_url' in sys.modules, sep='\\n')"
    command = [sys.executable, "-c", script, *addresses]
    *found, is_loaded = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.split()
    assert found == [ada_url.URL(address).href for address in addresses]
    assert is_loaded == "False"


@pytest.mark.parametrize(
    "text",
    ["http://256.1.1.1", "http://1.2.3", "http://01.2.3.4/", "http://a.b:65536", "http://a.b:0"],
)
def test_odd_addresses_are_what_browsers_make_of_them(text: str) -> None:
    try:
        href = ada_url.URL(text).href
    except ValueError:
        href = "invalid"
    try:
        found = str(web_address(text))
    except ValueError:
        found = "invalid"
    assert found == href
