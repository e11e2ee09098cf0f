"""Prometheus' web configuration file secures the pages as it does every exporter."""

import asyncio
import base64
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import bcrypt
import pytest
import yaml

from probe.report.status import Overview
from probe.web import security as security_module
from probe.web.access import Access
from probe.web.pages import PageData, Pages, WebServer
from probe.web.security import WebSecurity
from probe.web.web_config import WebConfig, WebConfigError, read_web_config
from tests.servers.certificate import Certificate, make_certificate
from tests.servers.scraping.scraper import Scraper

USER, PASSWORD = "prometheus", "s3cret-of-the-scraper"
MUTUAL = {
    "cert_file": "cert.pem",
    "key_file": "key.pem",
    "client_ca_file": "ca.pem",
    "client_auth_type": "RequireAndVerifyClientCert",
}
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def _login(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def _metrics(accept: str | None) -> tuple[bytes, str]:
    return b"up 1\n", "text/plain"


async def _no_overview() -> Overview:
    raise AssertionError


def _written(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "web.yml"
    path.write_text(yaml.safe_dump(document))
    return path


@asynccontextmanager
async def served(security: WebSecurity) -> AsyncIterator[int]:
    """The port of pages that are secured so."""
    data = PageData(_no_overview, lambda: 0, _metrics, lambda _: None, lambda: "")
    server = WebServer(Pages(data, Access(), security=security), ("127.0.0.1", 0))
    await server.start()
    try:
        yield server.address[1]
    finally:
        await server.stop()


def _client(certificate: Certificate, *, shown: Certificate | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificate.ca_file))
    if shown is not None:
        context.load_cert_chain(shown.cert_file, shown.key_file)
    return context


async def _get(url: str, tls: ssl.SSLContext | bool = True, **options: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
        session.get(url, **options) as answer,
    ):
        return answer.status, answer.headers


async def test_users_get_in_with_their_password_and_no_one_else(tmp_path: Path) -> None:
    path = _written(tmp_path, {"basic_auth_users": {USER: HASH}})
    async with served(WebSecurity(path)) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        assert (await _get(url))[0] == 401
        for user, password in ((USER, "wrong"), ("other", PASSWORD), ("", ""), (USER, "x" * 100)):
            assert (await _get(url, headers=_login(user, password)))[0] == 401
        assert (await _get(url, headers={"Authorization": "Basic \udc80"}))[0] == 401
        assert (await _get(url, headers={"Authorization": "Bearer x"}))[0] == 401
        for _ in range(2):
            assert (await _get(url, headers=_login(USER, PASSWORD)))[0] == 200
        assert (await _get(f"http://127.0.0.1:{port}/healthz"))[0] == 200


async def test_one_login_is_never_taken_for_another_one(tmp_path: Path) -> None:
    """CVE-2022-46146: what was kept of one login must not open the door to another."""
    security = WebSecurity(_written(tmp_path, {"basic_auth_users": {USER: HASH}}))

    async def knows(user: str, password: str) -> bool:
        return await security.knows(_login(user, password)["Authorization"])

    assert await knows(USER, PASSWORD)
    for cut in range(1, len(USER)):
        assert not await knows(USER[:cut], USER[cut:] + PASSWORD)
    assert not await knows(USER + PASSWORD, "")
    assert not await knows("nobody", PASSWORD)


@pytest.mark.parametrize("required", [True, False])
async def test_tls_and_client_certificates(tmp_path: Path, required: bool) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    certificate, stranger = make_certificate(own), make_certificate(other)
    kind = "RequireAndVerifyClientCert" if required else "VerifyClientCertIfGiven"
    tls = {"cert_file": "own/cert.pem", "key_file": "own/key.pem", "client_auth_type": kind}
    path = _written(tmp_path, {"tls_server_config": {**tls, "client_ca_file": "own/ca.pem"}})
    async with served(WebSecurity(path)) as port:
        url = f"https://localhost:{port}/metrics"
        if required:
            with pytest.raises(aiohttp.ClientError):
                await _get(url, _client(certificate))
        else:
            assert (await _get(url, _client(certificate)))[0] == 200
        assert (await _get(url, _client(certificate, shown=certificate)))[0] == 200
        with pytest.raises(aiohttp.ClientError):
            await _get(url, _client(certificate, shown=stranger))
        with pytest.raises(aiohttp.ClientError):
            await _get(f"http://localhost:{port}/metrics")


async def test_a_renewed_certificate_is_taken_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security_module, "CHECK_SECONDS", 0.0)
    first = make_certificate(tmp_path)
    old = _client(first)
    path = _written(
        tmp_path, {"tls_server_config": {"cert_file": "cert.pem", "key_file": "key.pem"}}
    )
    async with served(WebSecurity(path)) as port:
        url = f"https://localhost:{port}/metrics"
        assert (await _get(url, old))[0] == 200
        renewed = make_certificate(tmp_path)
        assert (await _get(url, _client(renewed)))[0] == 200
        with pytest.raises(aiohttp.ClientError):
            await _get(url, old)


async def test_a_file_that_becomes_wrong_leaves_what_was_right_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(security_module, "CHECK_SECONDS", 0.0)
    path = _written(tmp_path, {"basic_auth_users": {USER: HASH}})
    async with served(WebSecurity(path)) as port:
        path.write_text("basic_auth_users: {eva: no-hash}\n")
        url = f"http://127.0.0.1:{port}/metrics"
        for _ in range(3):
            assert (await _get(url, headers=_login(USER, PASSWORD)))[0] == 200
        assert (await _get(url))[0] == 401
    assert [record.levelno for record in caplog.records if "wrong" in record.message] == [
        logging.ERROR
    ]


async def test_headers_of_the_file_are_in_every_answer(tmp_path: Path) -> None:
    headers = {"Strict-Transport-Security": "max-age=31536000", "X-Frame-Options": "SAMEORIGIN"}
    path = _written(tmp_path, {"http_server_config": {"headers": headers}})
    async with served(WebSecurity(path)) as port:
        for page in ("/metrics", "/nothing-there"):
            _, found = await _get(f"http://127.0.0.1:{port}{page}")
            assert {name: found[name] for name in headers} == headers


@pytest.mark.parametrize(
    "text", ["", "null", "# x", "tls_server_config:", "http_server_config:", "basic_auth_users:"]
)
def test_a_key_without_a_value_is_not_there(tmp_path: Path, text: str) -> None:
    path = tmp_path / "web.yml"
    path.write_text(text)
    assert read_web_config(path) == (WebConfig(), None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("basic_auth_users: {eva: s3cret}", "basic_auth_users: eva: this is not a bcrypt hash"),
        (
            "basic_auth_user: {}",
            "line 1: basic_auth_user: unknown key: did you mean .basic_auth_users",
        ),
        ("tls_server_config: {cert_file: a}", "tls_server_config: key_file or key is missing"),
        ("tls_server_config: {cert_file: a, key_file: b}", "No such file"),
        ("tls_server_config: {cert_file: a, key_file: b, min_version: SSL30}", "min_version"),
        ("tls_server_config: {cert_file: a, key_file: b, cipher_suites: [X]}", "X is not a cipher"),
        (
            "tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, "
            "max_version: TLS12}",
            "min_version TLS13 is above max_version TLS12",
        ),
        ("http_server_config: {headers: {X-Own: a}}", "X-Own can't be set here"),
        ("a: [", "this is not YAML"),
        ("[1]", "must be a mapping"),
        ("!!python/object/apply:os.system [id]", "this is not YAML"),
        ("a: &a [*a]", "an alias refers to what it is in"),
        ("x" * 70_000, "larger than"),
    ],
)
def test_a_mistake_is_named_and_no_secret_is_shown(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "web.yml"
    path.write_text(text)
    with pytest.raises(WebConfigError, match=words) as raised:
        read_web_config(path)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "suite",
    [
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_AES_128_GCM_SHA256",
    ],
)
def test_cipher_suites_have_the_names_that_prometheus_gives_them(
    tmp_path: Path, suite: str
) -> None:
    make_certificate(tmp_path)
    tls = {"cert_file": "cert.pem", "key_file": "key.pem", "cipher_suites": [suite]}
    _, context = read_web_config(_written(tmp_path, {"tls_server_config": tls}))
    assert context is not None


@pytest.mark.parts
async def test_curl_gets_the_metrics_by_certificate_and_password(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    tls = {"cert_file": "cert.pem", "key_file": "key.pem", "client_ca_file": "ca.pem"}
    tls["client_auth_type"] = "VerifyClientCertIfGiven"
    document = {"tls_server_config": tls, "basic_auth_users": {USER: HASH}}
    async with served(WebSecurity(_written(tmp_path, document))) as port:
        process = await asyncio.create_subprocess_exec(
            *("curl", "--silent", "--fail", "--cacert", str(tmp_path / "ca.pem")),
            *("--user", f"{USER}:{PASSWORD}", f"https://localhost:{port}/metrics"),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
    assert (process.returncode, out) == (0, b"up 1\n")


@pytest.mark.parametrize(("allowed", "gets_in"), [("localhost", True), ("a.example.org", False)])
async def test_a_client_certificate_needs_one_of_the_names(
    tmp_path: Path, allowed: str, gets_in: bool
) -> None:
    certificate = make_certificate(tmp_path)
    path = _written(tmp_path, {"tls_server_config": {**MUTUAL, "client_allowed_sans": [allowed]}})
    async with served(WebSecurity(path)) as port:
        url, client = f"https://localhost:{port}/metrics", _client(certificate, shown=certificate)
        if gets_in:
            assert (await _get(url, client))[0] == 200
        else:
            with pytest.raises(aiohttp.ClientError):
                await _get(url, client)


@pytest.mark.parts
async def test_prometheus_scrapes_by_certificate_and_password(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    document = {"tls_server_config": MUTUAL, "basic_auth_users": {USER: HASH}}
    folder = tmp_path / "prometheus"
    folder.mkdir()
    scrape = {
        "scheme": "https",
        "basic_auth": {"username": USER, "password": PASSWORD},
        "tls_config": {
            "ca_file": str(tmp_path / "ca.pem"),
            "cert_file": str(tmp_path / "cert.pem"),
            "key_file": str(tmp_path / "key.pem"),
        },
    }
    async with served(WebSecurity(_written(tmp_path, document))) as port:
        jobs = {"probe": [f"localhost:{port}"]}
        async with Scraper(folder, jobs=jobs, scrape=scrape) as server:
            await server.until('up{job="probe"} == 1')
