"""HTTPS, headers, CORS and TLS, against an nginx configured wrong and right."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from probe.core.causes import Cause
from probe.kinds.security.web import foreign_origins, max_age
from tests.kinds.security.looking import found, look, passed
from tests.servers.certificate import Certificate, make_certificate
from tests.servers.middleboxes.nginx import Nginx

OWN = "https://paircam.live"
RIGHT = (
    "ssl_protocols TLSv1.2 TLSv1.3;",
    "ssl_ciphers ECDHE+AESGCM;",
    'add_header Strict-Transport-Security "max-age=31536000; includeSubDomains";',
    "add_header X-Content-Type-Options nosniff;",
    "add_header Content-Security-Policy \"default-src 'self'; frame-ancestors 'none'\";",
    "add_header Referrer-Policy no-referrer;",
    f'if ($http_origin = "{OWN}") {{ set $allowed $http_origin; }}',
    "add_header Access-Control-Allow-Origin $allowed;",
)
WRONG = (
    "ssl_protocols TLSv1 TLSv1.1 TLSv1.2;",
    "ssl_ciphers ALL:aNULL:eNULL:@SECLEVEL=0;",
    'add_header Strict-Transport-Security "max-age=86400";',
    "add_header X-Content-Type-Options sniff;",
    "add_header Access-Control-Allow-Origin $http_origin;",
    "add_header Access-Control-Allow-Credentials true;",
)
HEADERS = ("X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("certificate")
    return make_certificate(folder, valid_for=timedelta(days=29))


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[Nginx]:
    redirect = "return 308 https://$host$request_uri;"
    server = Nginx(tmp_path_factory.mktemp("right"), certificate, plain=redirect, lines=RIGHT)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    folder = tmp_path_factory.mktemp("wrong")
    late = make_certificate(folder, valid_for=timedelta(days=5))
    server = Nginx(folder, late, plain='return 200 "plain";', lines=WRONG)
    server.ca_file = late.ca_file  # type: ignore[attr-defined]
    yield server
    server.stop()


async def test_all_aspects_of_a_right_server_pass(right: Nginx, certificate: Certificate) -> None:
    trust = {"page": right.url, "ca_file": certificate.ca_file}
    assert passed(await look("https", plain_page=right.plain_url, **trust))
    assert passed(await look("headers", required_headers=HEADERS, **trust))
    assert passed(await look("cors", own_origin=OWN, **trust))
    result = await look("tls", **trust)
    assert passed(result)
    assert result.facts["versions"] == "TLS 1.2, TLS 1.3; no older"
    ages = {sample.signal.name for sample in result.samples}
    assert "probe_security_certificate_age_seconds" in ages


async def test_https_that_is_not_enforced(wrong: Nginx) -> None:
    trust = {"page": wrong.url, "ca_file": wrong.ca_file}  # type: ignore[attr-defined]
    cause, evidence, fix = found(await look("https", plain_page=wrong.plain_url, **trust))
    assert cause is Cause.HTTPS_NOT_ENFORCED
    assert "answers 200 and does not redirect" in evidence
    assert "max-age is 1 d; needed is a max-age of 365 d" in evidence
    assert "31536000" in fix


async def test_a_closed_port_80_leads_to_nothing_insecure(
    right: Nginx, certificate: Certificate
) -> None:
    trust = {"page": right.url, "ca_file": certificate.ca_file}
    result = await look("https", plain_page="http://127.0.0.1:9/", **trust)
    assert passed(result)
    assert result.facts["redirect"] == "nothing answers over plain HTTP"


async def test_headers_that_are_missing_or_wrong(wrong: Nginx) -> None:
    trust = {"page": wrong.url, "ca_file": wrong.ca_file}  # type: ignore[attr-defined]
    result = await look("headers", required_headers=HEADERS, **trust)
    cause, evidence, fix = found(result)
    assert cause is Cause.HEADER_MISSING
    assert "X-Content-Type-Options is sniff, not nosniff" in evidence
    assert "no Content-Security-Policy is sent" in evidence
    assert "no Referrer-Policy is sent" in evidence
    assert fix.count("Send ") == 3
    assert {sample.value for sample in result.samples if "findings" in sample.signal.name} == {3}


async def test_origins_that_are_reflected(wrong: Nginx) -> None:
    trust = {"page": wrong.url, "ca_file": wrong.ca_file}  # type: ignore[attr-defined]
    cause, evidence, _ = found(await look("cors", own_origin=OWN, **trust))
    assert cause is Cause.FOREIGN_ORIGIN_ALLOWED
    for origin in ("foreign-origin.invalid", "null", f"{OWN}.invalid", "https://invalid-paircam"):
        assert origin in evidence
    assert "with credentials" in evidence


async def test_the_own_origin_that_is_refused(right: Nginx, certificate: Certificate) -> None:
    trust = {"page": right.url, "ca_file": certificate.ca_file}
    cause, evidence, _ = found(await look("cors", own_origin="https://other.example", **trust))
    assert cause is Cause.CORS_REJECTED
    assert "browsers on https://other.example can't read it" in evidence


async def test_old_versions_broken_ciphers_and_a_certificate_that_ends(wrong: Nginx) -> None:
    trust = {"page": wrong.url, "ca_file": wrong.ca_file}  # type: ignore[attr-defined]
    cause, evidence, fix = found(await look("tls", **trust))
    assert cause is Cause.CERTIFICATE_EXPIRING
    assert "expires in 5 d" in evidence or "expires in 4 d" in evidence
    assert "accepts TLS 1.0, TLS 1.1" in evidence
    assert "a cipher that is broken" in evidence
    assert "RFC 8996" in fix


async def test_a_server_that_is_not_there_is_no_finding_about_its_headers() -> None:
    result = await look("headers", page="https://127.0.0.1:9/")
    assert result.failure is not None
    assert result.failure.cause is Cause.CONNECT_REFUSED


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("max-age=31536000; includeSubDomains", 31536000),
        ('max-age="600"', 600),
        ("MAX-AGE = 600", 600),
        ("max-age=600, max-age=31536000", 0),
        ("max-age=600; max-age=600", 0),
        ("max-age=600; includeSubDomains=1", 0),
        ("max-age=-1", 0),
        ("max-age=٣", 0),
        ("includeSubDomains", 0),
        ("", 0),
    ],
)
def test_max_age_as_browsers_read_it(header: str, seconds: float) -> None:
    assert max_age(header) == seconds


def test_an_origin_without_https_has_fewer_neighbours() -> None:
    assert len(foreign_origins(OWN)) == 4
    assert len(foreign_origins(None)) == 2
    assert foreign_origins("https://a.example:444")[2][1] == "https://a.example.invalid"
