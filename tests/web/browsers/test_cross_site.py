"""Cross-site request forgery: what changes something is for the own pages and for scripts."""

import pytest
from aiohttp import web

from probe.web.access import Access
from probe.web.browsers.cross_site import is_cross_site
from probe.web.browsers.hosts import OwnHosts
from tests.web.site_server import LOGIN, Source, closed, served

OWN = OwnHosts.of(["probe.example.org"])
HOST = {"Host": "10.0.0.1:9091"}
FORGED: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://10.0.0.1:9091"},
    {"Sec-Fetch-Site": ""},
    {"Origin": "http://attacker.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://10.0.0.1"},
    {"Origin": "http://10.0.0.1:9092"},
    {"Origin": "http://10.0.0.1:9091.attacker.example"},
    {"Origin": "http://10.0.0.1:9091@attacker.example"},
    {"Origin": "http://probe.example.org.attacker.example"},
    {"Origin": "http://[::1"},
)
OWN_PAGES: tuple[dict[str, str], ...] = (
    {},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://proxy.example"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://10.0.0.1:9091"},
    {"Origin": "HTTP://10.0.0.1:9091"},
    {"Origin": "https://probe.example.org"},
)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "ANYTHING"])
@pytest.mark.parametrize("sent", FORGED)
def test_what_a_foreign_page_has_a_browser_send_is_seen(sent: dict[str, str], method: str) -> None:
    assert is_cross_site(method, {**HOST, **sent}, OWN)


@pytest.mark.parametrize("sent", OWN_PAGES)
def test_own_pages_and_scripts_may_change_something(sent: dict[str, str]) -> None:
    assert not is_cross_site("POST", {**HOST, **sent}, OWN)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_changes_nothing(method: str) -> None:
    assert not any(is_cross_site(method, {**HOST, **sent}, OWN) for sent in FORGED)


@pytest.mark.parametrize("has_login", [False, True])
async def test_a_foreign_form_reaches_no_handler_not_even_with_the_login(has_login: bool) -> None:
    reached = []

    async def change(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response()

    pages = closed(Source()) if has_login else Source().pages(Access())
    pages.app.router.add_post("/-/reload", change)
    async with served(pages) as (client, _):
        for sent in FORGED:
            async with client.post("/-/reload", headers={**LOGIN, **sent}) as answer:
                assert answer.status == 403, sent
        assert reached == []
        async with client.post("/-/reload", headers=LOGIN) as answer:
            assert answer.status == 200
        assert reached == ["/-/reload"]
