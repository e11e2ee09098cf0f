"""A backend that the frontend's pages can't read is down for every browser."""

from pathlib import Path

import pytest

from probe.core.causes import Cause
from probe.core.environment import Variables, read_environment
from probe.core.model import Status
from probe.kinds.http import HttpEnvironment, derive
from tests.kinds.http.chains import Chains
from tests.kinds.http_helpers import HEALTHY, ending, failure, look, look_at
from tests.servers.pages import Pages, answers, in_turn

pytestmark = pytest.mark.usefixtures("leaks")

FRONTEND = "https://app.example.org"


@pytest.mark.parametrize(
    ("headers", "credentials", "passes"),
    [
        ({"Access_Control_Allow_Origin": FRONTEND}, False, True),
        ({"Access_Control_Allow_Origin": "*"}, False, True),
        ({"access-control-allow-origin": FRONTEND}, False, True),
        ({}, False, False),
        ({"Access_Control_Allow_Origin": "https://old.example.org"}, False, False),
        ({"Access_Control_Allow_Origin": f"{FRONTEND}:443"}, False, False),
        ({"Access_Control_Allow_Origin": f"{FRONTEND}, {FRONTEND}"}, False, False),
        ({"Access_Control_Allow_Origin": "*"}, True, False),
        ({"Access_Control_Allow_Origin": FRONTEND}, True, False),
    ],
)
async def test_the_frontend_has_to_be_allowed(
    headers: dict[str, str], credentials: bool, passes: bool
) -> None:
    async with Pages(answers(200, HEALTHY, **headers)) as pages:
        result = await look(
            pages.url, body="health", cors_origin=FRONTEND, cors_credentials=credentials
        )
        assert f"Origin: {FRONTEND}" in pages.heads[0]
    if passes:
        assert (result.status, result.failure) == (Status.OK, None)
    else:
        assert ending(result) == ("cors", Cause.CORS_REJECTED)
        assert "CORS_ORIGINS" in failure(result).hint or "proxy" in failure(result).hint


@pytest.mark.parametrize(
    ("first", "last", "passes"),
    [
        (FRONTEND, FRONTEND, True),
        ("*", FRONTEND, True),
        (None, FRONTEND, False),
        ("https://old.example.org", FRONTEND, False),
        (FRONTEND, None, False),
    ],
)
async def test_each_redirect_has_to_allow_the_frontend_too(
    first: str | None, last: str | None, passes: bool
) -> None:
    allow = "Access_Control_Allow_Origin"
    leads = answers(308, b"", Location="/there", **({allow: first} if first else {}))
    page = answers(200, HEALTHY, **({allow: last} if last else {}))
    async with Pages(in_turn(leads, page)) as pages:
        result = await look(pages.url, body="health", cors_origin=FRONTEND)
    if passes:
        assert (result.status, result.failure) == (Status.OK, None)
    else:
        assert ending(result) == ("cors", Cause.CORS_REJECTED)
        assert ("that redirects" in failure(result).hint) == (first != FRONTEND)


async def test_behind_a_second_foreign_origin_the_page_has_none() -> None:
    async with Pages(answers(200, HEALTHY, Access_Control_Allow_Origin="null")) as last:
        allows = {"Access_Control_Allow_Origin": FRONTEND}
        async with Pages(answers(307, b"", Location=last.url, **allows)) as first:
            result = await look(first.url, body="health", cors_origin=FRONTEND)
    assert (result.status, result.failure) == (Status.OK, None)
    assert (f"Origin: {FRONTEND}" in first.heads[0], "Origin: null" in last.heads[0]) == (
        True,
        True,
    )


async def test_what_the_body_says_is_reported_before_cors() -> None:
    down = {**HEALTHY, "services": {"postgres": "down"}}
    result = await look_at(answers(200, down), body="health", cors_origin=FRONTEND)
    assert ending(result) == ("body", Cause.SERVICE_DOWN)


@pytest.mark.parametrize(
    ("variables", "origin"),
    [
        ({"FRONTEND_URL": "https://app.example.org/start"}, FRONTEND),
        ({"CORS_ORIGINS": "https://app.example.org,https://www.example.org"}, FRONTEND),
        ({"CORS_ORIGINS": "*"}, None),
        ({}, None),
        ({"FRONTEND_URL": "https://api.example.org"}, None),
        ({"FRONTEND_URL": "http://api.example.org"}, "http://api.example.org"),
        ({"FRONTEND_URL": "https://api.example.org:8443"}, "https://api.example.org:8443"),
    ],
)
def test_health_is_read_as_the_frontend_does(variables: dict[str, str], origin: str | None) -> None:
    given = {"BACKEND_URL": "https://api.example.org", **variables}
    environment = read_environment(HttpEnvironment, Variables(given))
    health, *_ = derive(environment).tables
    assert health.get("cors_origin") == origin


@pytest.mark.parametrize(
    ("page", "passes"), [("https://app.example.org", True), ("http://app.example.org", False)]
)
async def test_a_page_over_tls_is_not_judged_by_a_redirect_to_tls(
    page: str, passes: bool, tmp_path: Path
) -> None:
    chains = Chains(tmp_path, root=3000, intermediate=900, leaf=90)
    allowed = answers(200, HEALTHY, Access_Control_Allow_Origin=page)
    async with (
        Pages(allowed, tls=chains.server()) as secure,
        Pages(answers(301, b"", Location=secure.url)) as plain,
    ):
        result = await look(plain.url, body="health", cors_origin=page, ca_file=chains.ca_file)
    assert (result.failure is None) == passes
    if passes:
        assert f"Origin: {page}" in secure.heads[0]
    else:
        assert ending(result) == ("cors", Cause.CORS_REJECTED)
