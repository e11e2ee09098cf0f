"""Cookies go to the hosts and schemes that they are for (RFC 6265bis)."""

from typing import cast

import pytest
from yarl import URL

from probe.net.cookies.cookies import Cookies, CookieUse
from probe.net.cookies.sites import is_same_site
from probe.net.protocol.exchange import HttpResponse
from probe.net.protocol.head import parse_head
from probe.net.protocol.stream import Stream


def _after(url: str, *lines: str, jar: Cookies | None = None, use: CookieUse = True) -> Cookies:
    """The cookies of a client to which this address has answered with these headers."""
    jar = jar or Cookies()
    head = "\r\n".join(("HTTP/1.1 200 OK", *(f"Set-Cookie: {line}" for line in lines)))
    response = HttpResponse(cast(Stream, None), parse_head(head.encode()))
    jar.keep(response, URL(url), use)
    return jar


@pytest.mark.parametrize(
    ("url", "line", "asked", "sent"),
    [
        ("https://a.example/", "k=v", "https://a.example:8443/", "k=v"),
        ("https://a.example/", "k=v", "https://b.a.example/", ""),
        ("https://a.example/", "k=v; Domain=a.example", "https://b.a.example/", "k=v"),
        ("https://b.a.example/", "k=v; Domain=.A.Example", "https://a.example/", "k=v"),
        ("https://a.example/", "k=v; Domain=b.a.example", "https://b.a.example/", ""),
        ("https://a.example/", "k=v; Domain=example", "https://a.example/", ""),
        ("https://a.example/", "k=v; Domain=xample", "https://a.example/", ""),
        ("https://a.example./", "k=v", "https://a.example/", "k=v"),
        ("https://a.example/", "k=v; Secure", "http://a.example/", ""),
        ("http://a.example/", "k=v; Secure", "https://a.example/", ""),
        ("http://x.localhost/", "k=v; Secure", "http://x.localhost/", "k=v"),
        ("http://[::1]/", "k=v; Secure; Domain=[::1]", "http://[::1]/", ""),
        ("http://[::1]/", "k=v; Secure", "http://[::1]/", "k=v"),
        ("http://127.0.0.1/", "k=v; Domain=0.0.1", "http://127.0.0.1/", ""),
        ("https://a.co/", "__Host-k=v; Secure; Path=/; Domain=a.co", "https://a.co/", ""),
        ("https://a.example/", "k=vé", "https://a.example/", "k=vé"),
    ],
)  # fmt: skip
def test_a_cookie_goes_where_it_belongs(url: str, line: str, asked: str, sent: str) -> None:
    assert _after(url, line).header_for(URL(asked)) == sent


def test_a_page_without_tls_does_not_replace_a_secure_cookie() -> None:
    jar = _after("https://a.example/", "k=v; Secure")
    _after("http://a.example/", "k=other", jar=jar)
    assert jar.header_for(URL("https://a.example/")) == "k=v"


def test_no_more_than_180_are_kept() -> None:
    jar = Cookies()
    for count in range(4):
        _after("https://a.example/", *(f"c{count}-{at}=v" for at in range(100)), jar=jar)
    assert jar.header_for(URL("https://a.example/")).count("=v") == 180


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("k=v; Secure", ""),
        ("k=v; Secure; SameSite=Lax", ""),
        ("k=v; Secure; SameSite=Strict", ""),
        ("k=v; Secure; SameSite=None", "k=v"),
        ("k=v; Secure; SameSite=None; Partitioned", "k=v"),
    ],
)
def test_a_script_of_another_site_gets_cookies_for_any_site_alone(line: str, sent: str) -> None:
    url = "https://api.example/"
    assert _after(url, line, use="cross_site").header_for(URL(url), "cross_site") == sent
    assert _after(url, line).header_for(URL(url), "cross_site") == sent
    assert _after(url, line).header_for(URL(url)) == "k=v"


@pytest.mark.parametrize(
    ("address", "origin", "same"),
    [
        ("https://api.paircam.live/", "https://paircam.live", True),
        ("wss://api.paircam.live/", "https://www.paircam.live:8443", True),
        ("http://api.paircam.live/", "https://paircam.live", False),
        ("https://paircam.fly.dev/", "https://paircam.vercel.app", False),
        ("https://api.fly.dev/", "https://web.fly.dev", False),
        ("https://a.up.railway.app/", "https://b.up.railway.app", False),
        ("https://x.a.up.railway.app/", "https://a.up.railway.app", True),
        ("https://a.co.uk/", "https://b.co.uk", False),
        ("http://127.0.0.1:4000/", "http://127.0.0.1:3000", True),
        ("http://127.0.0.1:4000/", "http://localhost:3000", False),
        ("http://localhost:4000/", "http://localhost:3000", True),
        ("http://[::1]:4000/", "http://[::1]:3000", True),
    ],
)
def test_sites_are_what_somebody_registered(address: str, origin: str, *, same: bool) -> None:
    assert is_same_site(URL(address), origin) is same
