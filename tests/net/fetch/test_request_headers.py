"""Headers of a page's script, as the Fetch standard and Chromium have them."""

from collections.abc import Mapping

import pytest
from yarl import URL

from probe.net.fetch.page_request import PageRequest
from probe.net.fetch.request_headers import combine, names_needing_permission, sendable

HERE, THERE = URL("http://a.example/x"), URL("http://b.example/x")


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ({"X-B": "1", "X-A": "1"}, ("x-a", "x-b")),
        ({"Range": "bytes=5-4"}, ("range",)),
        ({"Range": "bytes=0-4"}, ()),
        ({"Content-Type": "text/plain; charset=utf-8"}, ()),
        ({"Content-Type": "text/html"}, ("content-type",)),
    ],
)
def test_what_needs_permission_is_listed_in_order(
    headers: Mapping[str, str], names: tuple[str, ...]
) -> None:
    assert names_needing_permission(headers) == names


def test_what_a_script_may_not_set_is_not_sent() -> None:
    headers = {"cookie": "a", "Sec-X": "b", "X-Method-Override": "put, trace", "X": "c"}
    assert sendable(headers) == {"X": "c"}


def test_a_header_that_is_set_twice_has_both_values() -> None:
    assert combine({"accept": "a/b"}, "Accept", "*/*") == {"accept": "a/b, */*"}


@pytest.mark.parametrize(
    ("status", "method", "headers"),
    [(302, "GET", {"X": "1"}), (307, "POST", {"X": "1", "content-type": "text/plain"})],
)
def test_a_redirect_elsewhere_takes_no_token_along(
    status: int, method: str, headers: Mapping[str, str]
) -> None:
    sent = {"authorization": "Bearer t", "content-type": "text/plain", "X": "1"}
    found = PageRequest("POST", HERE, sent, b"body").behind(status, THERE)
    assert (found.method, found.headers) == (method, headers)
    assert found.body == (b"body" if method == "POST" else b"")
