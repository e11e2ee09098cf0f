"""What the http check calls each way of not getting a proper answer."""

import gzip
import ssl
from pathlib import Path
from typing import Any

import pytest

from probe.core.causes import Cause
from probe.core.model import Status
from probe.lab.certificates import Authority
from tests.kinds.http_helpers import HANGS, ending, failure, look, look_at, values
from tests.servers.pages import Pages, answers, closed_port, hangs_after, in_turn, repeats, says

pytestmark = pytest.mark.usefixtures("leaks")


async def test_an_endless_body_is_cut_off() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    result = await look_at(repeats(head, b"x" * 65536), max_body_bytes=100_000)
    assert ending(result) == ("transfer", Cause.BODY_TOO_LARGE)


async def test_a_body_that_unpacks_to_far_too_much_is_cut_off() -> None:
    bomb = gzip.compress(bytes(100 << 20), compresslevel=1)
    result = await look_at(answers(200, bomb, Content_Encoding="gzip"), body="json")
    assert ending(result) == ("transfer", Cause.BODY_TOO_LARGE)


async def test_a_packed_body_is_unpacked() -> None:
    packed = gzip.compress(b'{"status":"ok"}')
    result = await look_at(answers(200, packed, Content_Encoding="gzip"), body="health")
    assert result.status is Status.OK
    assert values(result)["probe_http_uncompressed_body_length"] == 15


@pytest.mark.parametrize(
    ("sent", "phase"),
    [
        (b"", "processing"),
        (b"HTTP/1.1 200 OK\r\n", "processing"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "transfer"),
    ],
)
async def test_silence_ends_at_the_deadline_in_its_phase(sent: bytes, phase: str) -> None:
    result = await look_at(hangs_after(sent), deadline=HANGS)
    assert (result.status, *ending(result)) == (Status.FAILED, phase, Cause.DEADLINE)
    assert max(result.phases, key=lambda name: result.phases[name]) == phase
    assert f"probe_http_duration_seconds/{phase}" not in values(result)


async def test_a_hanging_backend_triggers_one_run_of_postgres() -> None:
    result = await look_at(hangs_after(), deadline=HANGS, body="health")
    assert "Postgres" in failure(result).hint


async def test_silence_in_the_tls_handshake_is_distinguished_from_a_silent_application() -> None:
    async with Pages(hangs_after(), listens=False) as pages:
        result = await look(pages.url.replace("http:", "https:"), deadline=HANGS)
    assert ending(result) == ("tls", Cause.DEADLINE)
    assert result.phases["tls"] > 0


@pytest.mark.parametrize(
    ("sent", "phase", "cause"),
    [
        (b"", "processing", Cause.CONNECTION_CLOSED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "transfer", Cause.CONNECTION_CLOSED),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "processing", Cause.PROTOCOL_ERROR),
        (b"\x00\x01\x02\x03\r\n\r\n", "processing", Cause.PROTOCOL_ERROR),
    ],
)
async def test_a_server_that_breaks_off_or_babbles_is_not_asked_twice(
    sent: bytes, phase: str, cause: Cause
) -> None:
    async with Pages(in_turn(says(sent), answers())) as pages:
        result = await look(pages.url)
        assert pages.connections == 1
    assert (result.status, *ending(result)) == (Status.FAILED, phase, cause)


async def test_a_body_that_can_not_be_unpacked_is_a_protocol_error() -> None:
    result = await look_at(answers(200, b"not packed at all", Content_Encoding="gzip"))
    assert ending(result) == ("transfer", Cause.PROTOCOL_ERROR)


async def test_headers_without_end_are_a_protocol_error() -> None:
    endless = repeats(b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"x" * 4000 + b"\r\n")
    assert ending(await look_at(endless)) == ("processing", Cause.PROTOCOL_ERROR)


async def test_a_refused_connection_is_reported_so() -> None:
    result = await look(f"http://localhost:{closed_port()}")
    assert ending(result) == ("connect", Cause.CONNECT_REFUSED)
    assert "connect" in result.phases


async def test_a_name_that_does_not_resolve_is_reported_so() -> None:
    result = await look("http://nothing.invalid/")
    assert ending(result) == ("resolve", Cause.DNS_FAILED)
    assert "nothing.invalid" in failure(result).message


async def test_a_documentation_address_is_reported_at_once() -> None:
    result = await look("http://192.0.2.1/")
    assert ending(result) == ("resolve", Cause.ADDRESS_RESERVED)
    assert result.duration < 4


async def test_a_redirect_to_a_documentation_address_is_reported_at_once() -> None:
    result = await look_at(answers(302, b"", Location="http://[2001:db8::1]/"))
    assert ending(result) == ("resolve", Cause.ADDRESS_RESERVED)


async def test_an_ipv6_literal_works() -> None:
    async with Pages(answers(), host="::1") as pages:
        result = await look(pages.url)
    assert result.status is Status.OK
    assert "resolve" not in result.phases


@pytest.mark.parametrize(
    ("validity", "names", "trusted", "word"),
    [
        ("expired", ["127.0.0.1"], True, "expired"),
        ("valid", ["elsewhere.example"], True, "127.0.0.1"),
        ("valid", ["127.0.0.1"], False, "issuer"),
    ],
)
async def test_a_bad_certificate_is_reported_with_its_reason(
    authority: Authority, ca_file: Path, validity: Any, names: list[str], trusted: bool, word: str
) -> None:
    tls = authority.issue(names, validity=validity)
    async with Pages(answers(), tls=tls) as pages:
        result = await look(pages.url, ca_file=ca_file if trusted else None)
    assert ending(result) == ("tls", Cause.TLS_INVALID)
    assert word in failure(result).message


async def test_tls_spoken_to_a_plain_port_is_a_failed_handshake() -> None:
    async with Pages(answers(400), listens=False) as pages:
        result = await look(pages.url.replace("http:", "https:"))
    assert ending(result) == ("tls", Cause.TLS_FAILED)


async def test_plain_http_spoken_to_a_tls_port_is_reported_so(tls: ssl.SSLContext) -> None:
    async with Pages(answers(), tls=tls) as pages:
        result = await look(pages.url.replace("https:", "http:"))
    assert failure(result).phase == "processing"
    assert failure(result).cause in (Cause.CONNECTION_CLOSED, Cause.PROTOCOL_ERROR)


@pytest.mark.parametrize(
    ("status", "headers", "said", "hint"),
    [
        (502, {}, "502 Bad Gateway", "proxy"),
        (503, {"Retry_After": "30"}, "(Retry-After: 30 s)", "overloaded"),
        (503, {"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT"}, "503 Service Unavailable", "log"),
        (429, {"Retry_After": "7"}, "(Retry-After: 7 s)", "rate limit"),
        (421, {}, "421", "SNI"),
        (511, {}, "511", "captive portal"),
        (521, {}, "521", "Cloudflare"),
        (403, {"cf_mitigated": "challenge"}, "403 Forbidden", "WAF"),
        (503, {"CF_Mitigated": "Challenge"}, "503", "WAF"),
        (403, {}, "403 Forbidden", "no credential was sent"),
        (404, {}, "404 Not Found", "log"),
    ],
)
async def test_a_status_says_who_answers_and_when_to_come_back(
    status: int, headers: dict[str, str], said: str, hint: str
) -> None:
    result = await look_at(answers(status, b"<html>", **headers))
    assert said in failure(result).message
    assert hint in failure(result).hint
