"""The http check: what it measures of a page, and how it judges the answer."""

import asyncio
import itertools
import ssl
from pathlib import Path

import pytest

from probe.core.causes import Cause
from probe.core.model import Status
from tests.kinds.http_helpers import (
    DEGRADED,
    HEALTHY,
    READY,
    ending,
    failure,
    look,
    look_at,
    values,
)
from tests.servers.pages import Pages, answers, in_turn

pytestmark = pytest.mark.usefixtures("leaks")


async def test_a_healthy_page_is_measured_phase_by_phase() -> None:
    async with Pages(answers(200, HEALTHY)) as pages:
        result = await look(pages.named_url, body="health")
    assert (result.status, result.failure) == (Status.OK, None)
    assert list(result.phases) == ["resolve", "connect", "processing", "transfer", "body"]
    assert result.facts == {"version": "1.4.2", "instance": "e784"}
    found = values(result)
    assert found["probe_http_status_code"] == 200
    assert found["probe_http_version"] == 1.1
    assert found["probe_http_redirects"] == 0
    assert found["probe_http_uncompressed_body_length"] > 100
    assert found["probe_dns_lookup_time_seconds"] == result.phases["resolve"]
    spent = result.phases["processing"] + result.phases["transfer"]
    assert found["probe_http_response_seconds"] == pytest.approx(spent)
    for phase in ("resolve", "connect", "processing", "transfer"):
        assert found[f"probe_http_duration_seconds/{phase}"] == result.phases[phase]
    assert not [name for name in found if "ssl" in name or name.endswith("/tls")]


async def test_over_tls_the_handshake_is_a_phase_and_the_certificate_s_end_is_known(
    tls: ssl.SSLContext, ca_file: Path
) -> None:
    async with Pages(answers(), tls=tls) as pages:
        result = await look(pages.named_url, ca_file=ca_file)
    assert result.status is Status.OK
    assert list(result.phases) == ["resolve", "connect", "tls", "processing", "transfer", "body"]
    found = values(result)
    assert found["probe_http_duration_seconds/tls"] > 0
    remaining = found["probe_ssl_certificate_remaining_seconds"]
    assert 0 < remaining < 400 * 86400
    now = found["probe_ssl_earliest_cert_expiry"] - remaining
    assert now == pytest.approx(result.started_at.timestamp(), abs=60)


async def test_every_run_opens_a_new_connection() -> None:
    async with Pages(answers()) as pages:
        for _ in range(3):
            assert (await look(pages.url)).status is Status.OK
        assert pages.connections == 3


@pytest.mark.parametrize(
    ("document", "body", "cause", "words"),
    [
        (DEGRADED, "health", Cause.DEGRADED, "degraded"),
        (
            {**DEGRADED, "services": {"postgres": "up", "redis": "down"}},
            "health",
            Cause.SERVICE_DOWN,
            "redis is down",
        ),
        (
            {**DEGRADED, "services": {"postgres": "down", "redis": "down"}},
            "health",
            Cause.SERVICE_DOWN,
            "postgres, redis are down",
        ),
        ({**READY, "status": "not-ready"}, "ready", Cause.DEGRADED, "not-ready"),
        (
            {"status": "not-ready", "services": {"postgres": False}},
            "ready",
            Cause.SERVICE_DOWN,
            "postgres is down",
        ),
        (b"<html>hello</html>", "health", Cause.BODY_INVALID, "not JSON"),
        (b"\xff\xfe\xfd", "health", Cause.BODY_INVALID, "not JSON"),
        (b"[" * 200_000, "health", Cause.BODY_INVALID, "not JSON"),
        (b"", "health", Cause.BODY_INVALID, "empty"),
        (["ok"], "health", Cause.BODY_INVALID, "not an object"),
        ({"status": 1}, "health", Cause.BODY_INVALID, "no status"),
        ({"status": "ok", "services": []}, "ready", Cause.BODY_INVALID, "services"),
        ({"status": "ok", "services": {"redis": 7}}, "health", Cause.BODY_INVALID, "redis"),
        (b"nonsense", "json", Cause.BODY_INVALID, "not JSON"),
    ],
)
async def test_a_200_with_an_unhealthy_body_fails(
    document: object, body: str, cause: Cause, words: str
) -> None:
    result = await look_at(answers(200, document), body=body)
    assert (result.status, *ending(result)) == (Status.FAILED, "body", cause)
    assert words in failure(result).message


@pytest.mark.parametrize(
    ("document", "body"), [(READY, "ready"), (["any", "shape"], "json"), ({"status": "ok"}, "any")]
)
async def test_a_healthy_body_passes(document: object, body: str) -> None:
    assert (await look_at(answers(200, document), body=body)).status is Status.OK


@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [
        (500, Status.FAILED, Cause.HTTP_STATUS),
        (404, Status.FAILED, Cause.HTTP_STATUS),
        (799, Status.FAILED, Cause.HTTP_STATUS),
        (401, Status.FAILED, Cause.HTTP_STATUS),
        (403, Status.FAILED, Cause.HTTP_STATUS),
        (429, Status.UNKNOWN, Cause.RATE_LIMITED),
    ],
)
async def test_an_unexpected_status_is_reported_by_its_code(
    code: int, status: Status, cause: Cause
) -> None:
    result = await look_at(answers(code, HEALTHY), body="health")
    assert (result.status, *ending(result)) == (status, "status", cause)
    assert str(code) in failure(result).message
    assert values(result)["probe_http_status_code"] == code


async def test_accepted_codes_can_be_named() -> None:
    assert (await look_at(answers(503), status=[200, 503])).status is Status.OK
    assert ending(await look_at(answers(204, b""), status=[200])) == ("status", Cause.HTTP_STATUS)


async def test_redirects_are_followed_and_counted() -> None:
    moved = in_turn(answers(302, b"", Location="/there"), answers(200))
    async with Pages(moved) as pages:
        result = await look(pages.url)
        assert (result.status, pages.connections) == (Status.OK, 2)
    assert values(result)["probe_http_redirects"] == 1
    assert "GET /there " in pages.heads[1]


async def test_redirects_can_be_left_alone() -> None:
    behaviour = answers(302, b"", Location="/there")
    result = await look_at(behaviour, follow_redirects=False)
    assert ending(result) == ("status", Cause.HTTP_STATUS)
    result = await look_at(behaviour, follow_redirects=False, status=[302])
    assert result.status is Status.OK


async def test_a_redirect_loop_ends_where_it_closes() -> None:
    async with Pages(answers(301, b"", Location="/")) as pages:
        result = await look(pages.url)
        assert pages.connections == 1
    assert ending(result) == ("redirect", Cause.TOO_MANY_REDIRECTS)


@pytest.mark.parametrize("length", [1, 2, 5])
async def test_a_circle_that_is_limited_at_last_is_the_circle_and_no_limit(length: int) -> None:
    asked = itertools.count()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(asked)
        answer = answers(302, b"", Location=f"/{number % length}")
        await (answer if number < length + 3 else answers(429))(reader, writer)

    async with Pages(behave) as pages:
        result = await look(f"{pages.url}/{length - 1}")
    assert ending(result) == ("redirect", Cause.TOO_MANY_REDIRECTS)
    assert result.failure is not None
    assert f"in a circle of {length}, until it answers 429" in result.failure.message


async def test_a_limit_at_the_end_of_redirects_that_do_not_circle_is_a_limit() -> None:
    hops = itertools.count()

    async def onward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(hops)
        answer = answers(302, b"", Location=f"/{number}") if number < 3 else answers(429)
        await answer(reader, writer)

    result = await look_at(onward)
    assert result.failure is not None
    assert result.failure.cause is Cause.RATE_LIMITED


async def test_a_redirect_that_never_arrives_ends() -> None:
    hops = itertools.count()

    async def onward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answers(301, b"", Location=f"/{next(hops)}")(reader, writer)

    async with Pages(onward) as pages:
        result = await look(pages.url, max_redirects=3)
        assert pages.connections == 4
    assert ending(result) == ("redirect", Cause.TOO_MANY_REDIRECTS)


@pytest.mark.parametrize("location", ["ftp://somewhere/", "http://[::1", "javascript:alert(1)"])
async def test_a_redirect_to_nowhere_is_a_protocol_error(location: str) -> None:
    result = await look_at(answers(301, b"", Location=location))
    assert ending(result) == ("redirect", Cause.PROTOCOL_ERROR)


async def test_a_refusal_that_names_what_is_down_is_reported_with_it() -> None:
    down = {**DEGRADED, "services": {"postgres": "up", "redis": "down"}}
    result = await look_at(answers(503, down), body="health")
    assert ending(result) == ("status", Cause.HTTP_STATUS)
    assert failure(result).message.endswith("answers 503 Service Unavailable: redis is down")
