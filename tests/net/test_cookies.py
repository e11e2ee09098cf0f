"""Cookies go to the hosts and schemes that they are for (RFC 6265bis)."""

from typing import cast

import pytest
from yarl import URL

from probe.net.fetch.cookies import Cookies
from probe.net.protocol.exchange import HttpResponse
from probe.net.protocol.head import parse_head
from probe.net.protocol.stream import Stream


def _after(url: str, *lines: str, jar: Cookies | None = None) -> Cookies:
    """The cookies of a client to which this address has answered with these headers."""
    jar = jar or Cookies()
    head = "\r\n".join(("HTTP/1.1 200 OK", *(f"Set-Cookie: {line}" for line in lines)))
    jar.keep(HttpResponse(cast(Stream, None), parse_head(head.encode())), URL(url))
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
