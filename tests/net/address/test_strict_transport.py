"""HSTS within a visit: which headers bind which addresses."""

import pytest
from yarl import URL

from probe.net.address.strict_transport import StrictTransport, read_policy
from probe.net.protocol.head import HeadReader


def after(url: str, *policies: str) -> StrictTransport:
    lines = [f"Strict-Transport-Security: {each}" for each in policies]
    answer = "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""])
    found = HeadReader().feed(answer.encode())
    assert found is not None
    kept = StrictTransport()
    kept.keep(URL(url), found[0])
    return kept


@pytest.mark.parametrize(
    ("url", "policy", "address", "upgraded"),
    [
        ("https://a.test/", "max-age=9", "http://a.test/x?y", "https://a.test/x?y"),
        ("https://a.test/", "max-age=9", "http://a.test:80/", "https://a.test/"),
        ("https://a.test/", "max-age=9", "http://a.test:8080/", "https://a.test:8080/"),
        ("https://A.test./", "max-age=9", "http://a.test/", "https://a.test/"),
        (
            "https://a.test/",
            "max-age=9; includeSubDomains",
            "http://b.a.test/",
            "https://b.a.test/",
        ),
        ("https://a.test/", "max-age=9", "http://b.a.test/", "http://b.a.test/"),
        ("https://b.a.test/", "max-age=9; includeSubDomains", "http://a.test/", "http://a.test/"),
        ("https://a.test/", "max-age=0", "http://a.test/", "http://a.test/"),
        ("http://a.test/", "max-age=9", "http://a.test/", "http://a.test/"),
        ("https://127.0.0.1/", "max-age=9", "http://127.0.0.1/", "http://127.0.0.1/"),
        ("https://[::1]/", "max-age=9", "http://[::1]/", "http://[::1]/"),
        ("https://localhost/", "max-age=9", "http://localhost/", "http://localhost/"),
        ("https://a.localhost/", "max-age=9", "http://a.localhost/", "http://a.localhost/"),
    ],
)
def test_a_policy_binds_what_it_names(url: str, policy: str, address: str, upgraded: str) -> None:
    assert str(after(url, policy).upgraded(URL(address))) == upgraded


def test_the_first_of_several_headers_counts() -> None:
    address = URL("http://a.test/")
    assert after("https://a.test/", "max-age=9", "max-age=0").upgraded(address).scheme == "https"
    assert after("https://a.test/", "x", "max-age=9").upgraded(address).scheme == "http"


@pytest.mark.parametrize("length", [10, 100_000])
def test_what_is_long_is_read_in_linear_time(length: int) -> None:
    assert read_policy('a="' * length) is None
    assert read_policy("; " * length) is None
    assert read_policy(f"max-age={'9' * length}") is not None
