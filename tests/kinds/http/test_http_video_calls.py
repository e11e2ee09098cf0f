"""A page that is served and forbids its own calls; rows of Chromium's are in
``tests/browser/http/policies``."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from aiohttp import web

from probe.core.causes import Cause
from probe.core.environment import Variables, read_environment
from probe.core.model import Result, Status
from probe.kinds.http import HttpEnvironment, derive
from tests.kinds.http_helpers import ending, failure, look
from tests.servers.signaling import serve

pytestmark = pytest.mark.usefixtures("leaks")

API = "https://api.example.org"
CONNECTS = (f"{API}/auth/token", f"{API}/socket.io/")
BLOCKING = '<meta http-equiv="Content-Security-Policy" content="connect-src \'self\'">'


async def judged(
    *headers: tuple[str, str], body: str = "<p>x", kind: str = "text/html", **table: Any
) -> Result:
    """What a check of a page with these headers says."""

    async def page(_: web.Request) -> web.Response:
        answer = web.Response(text=body, content_type=kind)
        for name, value in headers:
            answer.headers.add(name, value)
        return answer

    app = web.Application()
    app.router.add_get("/", page)
    async with serve(app) as url:
        return await look(url, **{"video_calls": True, "connects_to": CONNECTS, **table})


@pytest.mark.parametrize(
    ("headers", "cause", "words"),
    [
        ([], None, ""),
        ([("Permissions-Policy", "camera=()")], Cause.PERMISSIONS_POLICY_BLOCKED, "camera"),
        (
            [("Permissions-Policy", "camera=()"), ("Permissions-Policy", "microphone=()")],
            Cause.PERMISSIONS_POLICY_BLOCKED,
            "camera and microphone",
        ),
        ([("Permissions-Policy", "camera=(self), microphone=*, usb=()")], None, ""),
        ([("Permissions-Policy", "camera=(), microphone 'none'")], None, ""),
        ([("Content-Security-Policy", "connect-src 'self'")], Cause.CSP_BLOCKED, "connect-src"),
        ([("Content-Security-Policy", "default-src 'self'")], Cause.CSP_BLOCKED, "default-src"),
        ([("Content-Security-Policy", f"default-src 'self'; connect-src {API}")], None, ""),
        ([("Content-Security-Policy-Report-Only", "default-src 'none'")], None, ""),
        (
            [("Content-Security-Policy", f"connect-src {API}/socket.io/")],
            Cause.CSP_BLOCKED,
            "/auth/token",
        ),
        ([("Content-Security-Policy", "sandbox allow-forms")], Cause.CSP_BLOCKED, "sandbox"),
        ([("Content-Security-Policy", "script-src 'none'")], Cause.CSP_BLOCKED, "script-src"),
        ([("Content-Disposition", "attachment")], Cause.CONTENT_TYPE_INVALID, "download"),
    ],
)
async def test_what_a_page_forbids_itself_ends_its_calls(
    headers: Sequence[tuple[str, str]], cause: Cause | None, words: str
) -> None:
    result = await judged(*headers)
    if cause is None:
        assert (result.status, result.failure) == (Status.OK, None)
    else:
        assert ending(result) == ("page", cause)
        assert words in failure(result).message


@pytest.mark.parametrize(
    ("body", "is_blocked"),
    [
        (f"<!doctype html><html><head>{BLOCKING}</head><body>x", True),
        (f"<!doctype html><html><head></head><body>{BLOCKING}", False),
        (f"<head>x{BLOCKING}", False),
        (f"<head><!-- {BLOCKING} --></head>", False),
        (f"<head><template>{BLOCKING}</template></head>", False),
        (f"<head><title>{BLOCKING}</title></head>", False),
    ],
)
async def test_an_element_counts_in_the_head_alone(body: str, is_blocked: bool) -> None:
    result = await judged(body=body)
    assert (result.failure is not None) == is_blocked
    assert not is_blocked or ending(result) == ("page", Cause.CSP_BLOCKED)


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "application/json"])
async def test_text_and_downloads_are_no_page(kind: str) -> None:
    result = await judged(kind=kind)
    assert ending(result) == ("page", Cause.CONTENT_TYPE_INVALID)
    assert kind in failure(result).message


async def test_a_page_that_is_not_one_of_calls_keeps_its_verdict() -> None:
    headers = [("Permissions-Policy", "camera=()"), ("Content-Security-Policy", "sandbox")]
    result = await judged(*headers, kind="text/plain", video_calls=False)
    assert result.status is Status.OK


@pytest.mark.parametrize("table", [{"contains": "x"}, {"follow_redirects": False}])
async def test_its_head_is_read_whatever_else_is_expected(table: Mapping[str, Any]) -> None:
    result = await judged(body=f"<head>{BLOCKING}</head>x", **table)
    assert ending(result) == ("page", Cause.CSP_BLOCKED)


async def test_a_very_long_policy_is_not_judged() -> None:
    """Chromium would read it; no application has one, and reading it would take the loop."""
    result = await judged(("Content-Security-Policy", f"connect-src {'x ' * 20_000}"))
    assert result.status is Status.OK


FRONTEND = "https://app.example.org"
PATHS = ("/auth/token", "/turn/credentials", "/socket.io/")


@pytest.mark.parametrize(
    ("frontend", "backend", "base"),
    [
        (FRONTEND, API, API),
        (FRONTEND, f"{API}/v1/", f"{API}/v1"),
        (FRONTEND, f"{API}:8443", f"{API}:8443"),
        (FRONTEND, "https://user:secret@api.example.org", API),
        (FRONTEND, "http://api.example.org", API),
        (FRONTEND, "http://api.example.org:3333", None),
        (FRONTEND, "http://backend.internal:3333", None),
        (FRONTEND, "https://10.0.0.7", None),
        ("http://frontend:3000", API, None),
        ("http://localhost:3000", "http://localhost:3333", "http://localhost:3333"),
        ("http://app.example.org", "http://api.example.org", "http://api.example.org"),
    ],
)
def test_the_page_connects_to_the_backend_that_users_have(
    frontend: str, backend: str, base: str | None
) -> None:
    variables = {"FRONTEND_URL": frontend, "BACKEND_URL": backend}
    derived = derive(read_environment(HttpEnvironment, Variables(variables)))
    [page] = [each for each in derived.tables if each["name"] == "frontend"]
    assert page["video_calls"] is True
    assert page["connects_to"] == (tuple(base + path for path in PATHS) if base else ())
    assert not any("video_calls" in each for each in derived.tables if each is not page)


def test_a_page_that_stands_alone_is_any_page() -> None:
    """Many forbid themselves the camera, and nobody calls there."""
    variables = Variables({"FRONTEND_URL": FRONTEND})
    [page] = derive(read_environment(HttpEnvironment, variables)).tables
    assert "video_calls" not in page
    assert "connects_to" not in page


OPEN = '0{"sid":"a","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}'
OWN, NONE = "connect-src 'self'", "connect-src https://cdn.example.org"


@pytest.mark.parametrize(
    ("policy", "answer", "is_blocked"),
    [
        (OWN, OPEN, False),
        (OWN, "<!doctype html><p>every path is this page", True),
        (OWN, None, True),
        (NONE, OPEN, True),
    ],
)
async def test_a_page_may_reach_the_backend_by_its_own_server(
    policy: str, answer: str | None, is_blocked: bool
) -> None:
    """A host that rewrites `/socket.io/` to the backend needs no address of it in its policy."""

    async def page(_: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": policy}
        return web.Response(text="<p>x", content_type="text/html", headers=headers)

    async def polling(request: web.Request) -> web.Response:
        assert dict(request.query) == {"EIO": "4", "transport": "polling"}
        return web.Response(text=answer, status=200 if answer is not None else 404)

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/socket.io/", polling)
    async with serve(app) as url:
        result = await look(url, video_calls=True, connects_to=CONNECTS)
    assert (result.failure is not None) == is_blocked
    assert not is_blocked or ending(result) == ("page", Cause.CSP_BLOCKED)
