"""The pages as they are served: addresses, entity tags, the public page without a password."""

import gzip

import pytest

from tests.report import board_samples as boards
from tests.report import incident_samples
from tests.report.html.status_extremes import many_board
from tests.web.site_server import LOGIN, Source, closed, public_alone, served

PAGES = (
    "/",
    "/?q=turn&state=ok&kind=turn&page=2&refresh=0",
    "/checks/health",
    "/checks/health?range=30d",
    "/services/backend",
    "/providers/primary",
    "/incidents",
    "/incidents?page=7",
    f"/incidents/{incident_samples.past()[0].id}",
    "/runbooks/",
    "/runbooks/any-check",
    "/status",
    "/status/",
    "/public",
)
MISSING = (
    "/checks/none",
    "/services/none",
    "/providers/none",
    "/incidents/none",
    "/runbooks/none",
    "/page.css",
)


async def test_every_page_has_an_entity_tag_and_is_not_sent_again_while_it_is_the_newest() -> None:
    source = Source()
    async with served(source.pages()) as (client, _):
        for path in PAGES:
            async with client.get(path) as first:
                assert first.status == 200, path
                assert "text/html" in first.headers["Content-Type"]
                assert "default-src 'none'" in first.headers["Content-Security-Policy"]
                assert first.headers["Content-Encoding"] == "gzip"
                assert b"<!DOCTYPE html>" in gzip.decompress(await first.read())
                tag = first.headers["ETag"]
            async with client.get(path, headers={"If-None-Match": f'"x", {tag}'}) as again:
                assert (again.status, await again.read()) == (304, b""), path
                assert again.headers["ETag"] == tag


async def test_a_change_makes_a_new_page_and_nothing_else_does() -> None:
    source = Source()
    async with served(source.pages()) as (client, _):
        tags = []
        for _ in range(3):
            async with client.get("/") as answer:
                tags.append(answer.headers["ETag"])
        assert len(set(tags)) == 1
        source.change(boards.backend_down())
        async with client.get("/", headers={"If-None-Match": tags[0]}) as answer:
            assert answer.status == 200
            assert b"The backend is down" in gzip.decompress(await answer.read())


@pytest.mark.parametrize("path", MISSING)
async def test_what_is_not_there_is_not_found(path: str) -> None:
    async with served(Source().pages()) as (client, _), client.get(path) as answer:
        assert answer.status == 404
        assert "default-src" not in answer.headers.get("Content-Type", "")


async def test_the_script_may_be_kept_under_the_address_of_its_version() -> None:
    async with served(Source().pages()) as (client, _):
        async with client.get("/") as answer:
            page = gzip.decompress(await answer.read()).decode()
        address = page.partition('<script src="')[2].partition('"')[0]
        async with client.get(address) as answer:
            assert "immutable" in answer.headers["Cache-Control"]
            assert "javascript" in answer.headers["Content-Type"]
        async with client.get("/page.js?v=old") as answer:
            assert answer.headers["Cache-Control"] == "no-store"


async def test_without_the_password_a_visitor_gets_the_public_page_only() -> None:
    async with served(closed(Source())) as (client, _):
        for path in ("/status", "/status/", "/status/page.js"):
            async with client.get(path) as answer:
                assert answer.status == 200, path
        for path in (*PAGES[:-3], "/public", "/events", "/page.js", "/status/x", "/status.json"):
            async with client.get(path) as answer:
                assert answer.status == 401, path
        async with client.get("/public", headers=LOGIN) as answer:
            assert answer.status == 200


async def test_the_port_of_the_public_page_has_nothing_else() -> None:
    async with served(public_alone(Source())) as (client, _):
        async with client.get("/") as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"].startswith("public, max-age=")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        for path in (*PAGES[2:], "/metrics", "/status.json", "/events", "/api/v1/status"):
            async with client.get(path) as answer:
                assert answer.status == 404, path


async def test_the_public_page_says_nothing_of_the_inside() -> None:
    board = boards.backend_down()
    async with served(public_alone(Source(board))) as (client, _), client.get("/") as answer:
        page = gzip.decompress(await answer.read()).decode().partition("<body")[2]
    assert "Backend, Signaling, Calls: outage" in page
    assert "no free connections" in page
    inside = [row.name for row in board.overview.rows if "-" in row.name]
    inside += [row.target for row in board.overview.rows if row.target]
    inside += ["redis", "service_down", "slack", "pagerduty", "Ana", "lax", "4f2a91c"]
    assert [word for word in inside if word in page] == []


async def test_the_page_of_a_thousand_checks_is_small_on_its_way() -> None:
    source = Source(many_board(1000))
    async with served(source.pages()) as (client, _), client.get("/") as answer:
        assert len(await answer.read()) < 40_000
