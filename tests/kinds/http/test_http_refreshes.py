"""A page that leads elsewhere by itself; rows of Chromium's are in
``tests/browser/http/refreshes``."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from probe.core.causes import Cause
from probe.core.model import Status
from probe.untrusted.html_refresh import refreshes_in
from probe.untrusted.html_tags import TOGETHER
from tests.kinds.http_helpers import ending, look, values
from tests.servers.signaling import serve

pytestmark = pytest.mark.usefixtures("leaks")

SHELL = '<title>shell</title><meta http-equiv="refresh" content="0;url=/app">'


@asynccontextmanager
async def site(**pages: str) -> AsyncIterator[tuple[str, list[str]]]:
    """Its address and the paths that were asked for; ``shell`` is at ``/``."""
    seen: list[str] = []

    async def page(request: web.Request) -> web.Response:
        seen.append(request.path)
        name = request.path.strip("/") or "shell"
        if name not in pages:
            return web.Response(status=404)
        if pages[name].startswith("/"):
            return web.Response(status=302, headers={"Location": pages[name]})
        return web.Response(text=pages[name], content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    async with serve(app) as url:
        yield url, seen


async def test_users_of_a_shell_have_what_it_leads_to() -> None:
    async with site(shell=SHELL, app="/start", start="<p>welcome") as (url, seen):
        result = await look(url, status=[200])
    assert (result.status, seen) == (Status.OK, ["/", "/app", "/start"])
    assert values(result)["probe_http_redirects"] == 1
    assert values(result)["probe_http_uncompressed_body_length"] == len("<p>welcome")
    assert result.facts["refreshed to"].endswith("/app")


async def test_a_shell_that_leads_to_an_outage_is_one() -> None:
    async with site(shell=SHELL) as (url, _):
        result = await look(url, status=[200])
    assert ending(result) == ("status", Cause.HTTP_STATUS)
    assert values(result)["probe_http_status_code"] == 404


async def test_a_shell_that_leads_in_a_circle_is_left_in_time() -> None:
    async with site(shell=SHELL, app=SHELL.replace("/app", "/")) as (url, seen):
        result = await look(url)
    assert (ending(result), len(seen)) == (("redirect", Cause.TOO_MANY_REDIRECTS), 10)


@pytest.mark.parametrize(
    "table",
    [
        {"contains": "shell"},
        {"follow_redirects": False},
        {"max_body_bytes": 4096},
        {"cors_origin": "https://app.example.org"},
    ],
)
async def test_where_this_page_is_meant_it_is_the_one(table: Mapping[str, Any]) -> None:
    async with site(shell=SHELL) as (url, seen):
        await look(url, **table)
    assert seen == ["/"]


async def test_each_page_may_be_behind_as_many_redirects() -> None:
    """In Chromium, too, the count begins anew with each page."""
    async with site(shell="/one", one=SHELL, app="/end", end="<p>x") as (url, _):
        assert (await look(url, max_redirects=1)).status is Status.OK
        assert ending(await look(url, max_redirects=0)) == ("redirect", Cause.TOO_MANY_REDIRECTS)


@pytest.mark.parametrize(
    "page",
    ["<" * 1000, "<!--" * 1000, "<a b='" * 1001, "<script>" * 100, "<a" + " =" * 999, "</", "<a "],
)
def test_what_never_ends_leads_nowhere(page: str) -> None:
    assert not any(refreshes_in(page + "http-equiv=refresh content=0"))


@pytest.mark.parametrize(
    "piece",
    ["<a>", "<", "<!---->", "<title></title>", "<a b='&amp;&amp;&amp;'>", "<meta content=1>", "a "],
    ids=["tags", "openings", "comments", "texts", "references", "elements", "attributes"],
)
def test_a_page_of_nothing_else_is_read_in_many_turns(piece: str) -> None:
    """Each piece takes about a microsecond or two of CPU."""
    pages = (f"{start}http-equiv{piece * 20_000}" for start in ("<b ", ""))
    turns = max(sum(each is None for each in refreshes_in(page)) for page in pages)
    assert turns >= 20_000 // TOGETHER


async def test_a_large_page_is_followed_all_the_same() -> None:
    async with site(shell="<p>" * 100_000 + SHELL, app="<p>welcome") as (url, seen):
        assert (await look(url)).status is Status.OK
    assert seen == ["/", "/app"]
