"""A request that needs permission is made by a browser only after a preflight permits it."""

import asyncio
from typing import Any

import pytest

from probe.core.causes import Cause
from probe.core.environment import Variables, read_environment
from probe.core.model import Status
from probe.kinds.http import HttpEnvironment, HttpTable, derive
from tests.kinds.http_helpers import READY, ending, failure, look
from tests.servers.pages import Behaviour, Pages, answers

pytestmark = pytest.mark.usefixtures("leaks")

FRONTEND = "https://app.example.org"
TOKEN, RELAYS = "POST /auth/token content-type", "POST /turn/credentials authorization,content-type"
ALLOWED = {"Access_Control_Allow_Origin": FRONTEND}


def permitting(status: int, **headers: str) -> Behaviour:
    """A backend that is ready, and answers preflights so."""
    page, preflight = answers(200, READY, **ALLOWED), answers(status, "", **headers)
    turns = iter((page,))

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(turns, preflight)(reader, writer)

    return behave


@pytest.mark.parametrize(
    ("asked", "status", "headers", "passes"),
    [
        (TOKEN, 204, {"Access_Control_Allow_Headers": "content-type"}, True),
        (TOKEN, 200, {"Access_Control_Allow_Headers": "Authorization, Content-Type"}, True),
        (TOKEN, 204, {"Access_Control_Allow_Headers": "*"}, True),
        (TOKEN, 204, {}, False),
        (TOKEN, 404, {"Access_Control_Allow_Headers": "content-type"}, False),
        (TOKEN, 401, {"Access_Control_Allow_Headers": "content-type"}, False),
        (TOKEN, 302, {"Access_Control_Allow_Headers": "*", "Location": "/"}, False),
        # In Chromium a wildcard stands for Authorization too.
        (RELAYS, 204, {"Access_Control_Allow_Headers": "*"}, True),
        (TOKEN, 204, {"Access_Control_Allow_Headers": "content-type, x y"}, False),
        (RELAYS, 204, {"Access_Control_Allow_Headers": "*, authorization"}, True),
        # POST needs no permission of its own, DELETE does.
        ("POST /x", 204, {"Access_Control_Allow_Methods": "GET"}, True),
        ("DELETE /x", 204, {"Access_Control_Allow_Methods": "GET, POST"}, False),
        ("DELETE /x", 204, {"Access_Control_Allow_Methods": "*"}, True),
        ("DELETE /x", 204, {"Access_Control_Allow_Methods": "GET,DELETE"}, True),
    ],
)
async def test_a_preflight_is_judged_as_browsers_judge_it(
    asked: str, status: int, headers: dict[str, str], passes: bool
) -> None:
    async with Pages(permitting(status, **ALLOWED, **headers)) as pages:
        result = await look(pages.url, body="ready", cors_origin=FRONTEND, cors_preflight=[asked])
        head = pages.heads[1]
    assert head.startswith(f"OPTIONS {asked.split()[1]} HTTP/1.1")
    assert f"Access-Control-Request-Method: {asked.split()[0]}" in head
    assert ("Access-Control-Request-Headers" in head) == (len(asked.split()) == 3)
    if passes:
        assert (result.status, result.failure) == (Status.OK, None)
    else:
        assert ending(result) == ("cors_preflight", Cause.CORS_REJECTED)
        assert asked.rpartition(" ")[0].split()[0] in failure(result).message


async def test_an_origin_that_only_the_page_allows_is_refused() -> None:
    async with Pages(permitting(204, Access_Control_Allow_Headers="*")) as pages:
        result = await look(pages.url, body="ready", cors_origin=FRONTEND, cors_preflight=[TOKEN])
    assert ending(result) == ("cors_preflight", Cause.CORS_REJECTED)
    assert "Access-Control-Allow-Origin" in failure(result).message


@pytest.mark.parametrize("text", ["", "POST", "post /x", "POST x", "POST /x a b", "POST /x A"])
def test_what_is_no_request_names_the_form(text: str) -> None:
    with pytest.raises(ValueError, match="METHOD /path"):
        HttpTable.model_validate({"name": "x", "url": "http://x/", "cors_preflight": [text]})


@pytest.mark.parametrize(
    ("frontend", "asks"), [(FRONTEND, True), ("https://api.example.org", False)]
)
def test_only_a_frontend_elsewhere_needs_permission(frontend: str, asks: bool) -> None:
    variables = {"BACKEND_URL": "https://api.example.org", "FRONTEND_URL": frontend}
    environment = read_environment(HttpEnvironment, Variables(variables))
    tables: dict[str, Any] = {each["name"]: each for each in derive(environment).tables}
    assert ("cors_preflight" in tables["ready"]) is asks
