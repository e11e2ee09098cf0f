"""Addresses as people write them, and what they are told about their mistakes."""

import pytest

from probe.net.urls import check_base_url, check_http_url, show_host, show_url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("paircam.live", "'paircam.live' has no scheme: write https://paircam.live"),
        ("localhost:3333", "'localhost:3333' has no scheme: write http://localhost:3333"),
        ("u:hunter2@host.example/?t=hunter2", "'host.example/' has no scheme"),
        ("wss://paircam.live", "'wss://paircam.live' is not a web address: write https://paircam"),
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
