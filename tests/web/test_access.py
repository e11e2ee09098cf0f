"""Who gets in."""

import base64

import pytest
from pydantic import SecretStr

from probe.web.access import Access


def basic(text: str) -> str:
    """An Authorization header as a browser sends it."""
    return "Basic " + base64.b64encode(text.encode()).decode()


LOGIN = Access(user="eva", password=SecretStr("grün:1"))
TOKEN = Access(token=SecretStr("token-of-mine"))
BOTH = Access(user="eva", password=SecretStr("grün:1"), token=SecretStr("token-of-mine"))


@pytest.mark.parametrize("path", ["/", "/metrics", "/status.json", "/healthz"])
def test_without_a_password_everyone_gets_every_page(path: str) -> None:
    assert Access().allows(path, None)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_machines_ask_for_health_without_a_password(path: str) -> None:
    assert BOTH.allows(path, None)


@pytest.mark.parametrize("path", ["/", "/metrics", "/status.json", "/badge.svg", "/healthz/x"])
@pytest.mark.parametrize(
    ("access", "header"),
    [
        (LOGIN, basic("eva:grün:1")),
        (LOGIN, basic("eva:grün:1").replace("Basic", "basic")),
        (TOKEN, "Bearer token-of-mine"),
        (BOTH, "bearer token-of-mine"),
        (BOTH, basic("eva:grün:1")),
    ],
)
def test_who_knows_the_secret_gets_in(access: Access, header: str, path: str) -> None:
    assert access.allows(path, header)


@pytest.mark.parametrize("path", ["/", "/metrics", "/status.json", "/badge.svg", "/healthz/x"])
@pytest.mark.parametrize(
    ("access", "header"),
    [
        (LOGIN, None),
        (LOGIN, ""),
        (LOGIN, "Basic"),
        (LOGIN, "Basic ***"),
        (LOGIN, "Basic " + base64.b64encode(b"\xff\xfe").decode()),
        (LOGIN, basic("eva:")),
        (LOGIN, basic("eva:grün:12")),
        (LOGIN, basic("adam:grün:1")),
        (LOGIN, "Bearer token-of-mine"),
        (LOGIN, f"{basic('eva:grün:1')}, {basic('adam:1')}"),
        (LOGIN, f"{basic('adam:1')}, {basic('eva:grün:1')}"),
        (TOKEN, "Bearer token-of-mine, Bearer token-of-yours"),
        (TOKEN, "Bearer "),
        (TOKEN, "Bearer token-of-yours"),
        (TOKEN, "Digest token-of-mine"),
        (TOKEN, basic("eva:token-of-mine")),
        (BOTH, basic("eva:token-of-mine")),
    ],
)
def test_others_are_refused(access: Access, header: str | None, path: str) -> None:
    assert not access.allows(path, header)


def test_metrics_can_be_left_open_for_a_scraper_that_cannot_log_in() -> None:
    access = Access(token=SecretStr("token-of-mine"), metrics_open=True)
    assert access.allows("/metrics", None)
    assert not access.allows("/", None)


def test_the_challenge_is_what_the_client_can_answer() -> None:
    assert LOGIN.challenge.startswith("Basic ")
    assert TOKEN.challenge.startswith("Bearer ")
