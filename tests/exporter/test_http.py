"""The http prober: the scheduled check's verdicts, blackbox_exporter's keys and metrics."""

import base64
from pathlib import Path
from typing import Any

import pytest

from probe.core.kind import Check
from probe.core.model import Status
from probe.core.runner import run_check
from probe.kinds.http import KIND, HttpTable
from tests.exporter.asking import Answer, calm_context, config_of, exporter, server_context
from tests.servers.certificate import make_certificate
from tests.servers.pages import (
    Behaviour,
    Pages,
    answers,
    closed_port,
    hangs_after,
    in_turn,
    message,
    says,
)

# What a target may do, and whether the check finds it well.
FAULTS: dict[str, Behaviour] = {
    "fine": answers(),
    "no content": answers(204, b""),
    "500": answers(500),
    "401": answers(401),
    "404": answers(404),
    "429": answers(429),
    "no http": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "hangs up": says(b""),
    "half a body": says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
    "half a head": says(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "silent": hangs_after(),
    "circle": answers(302, b"", Location="/"),
    "nowhere": answers(302, b"", Location="mailto:joe"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_verdict_is_the_scheduled_checks(fault: str) -> None:
    async with Pages(FAULTS[fault]) as pages, exporter() as asked:
        table = {"name": "page", "deadline": 1.0, "url": pages.url}
        scheduled = await run_check(Check(KIND, HttpTable.model_validate(table)), calm_context())
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": "1.5"}
        answer = await asked.probe(pages.url, headers=headers)
    expected = {Status.OK: 1.0, Status.FAILED: 0.0, Status.UNKNOWN: None}[scheduled.status]
    assert answer.success == expected
    if scheduled.failure is None:
        assert answer.why == ""
    else:
        assert f'cause="{scheduled.failure.cause.value}"' in answer.why
        assert f'phase="{scheduled.failure.phase}"' in answer.why


async def test_a_dead_target_has_every_metric_with_status_code_0() -> None:
    async with exporter() as asked:
        answer = await asked.probe(f"http://127.0.0.1:{closed_port()}/")
    assert answer.success == 0.0
    assert answer.samples["probe_http_status_code"] == 0.0
    for phase in ("resolve", "connect", "tls", "processing", "transfer"):
        assert f'probe_http_duration_seconds{{phase="{phase}"}}' in answer.samples
    for name in ("ssl", "redirects", "content_length", "version", "uncompressed_body_length"):
        assert answer.samples[f"probe_http_{name}"] == 0.0
    assert answer.samples["probe_ip_protocol"] == 4.0
    assert answer.why == 'probe_failure_info{cause="connect_refused",phase="connect"}'


async def test_a_page_over_tls_has_blackbox_exporters_metrics(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    modified = {"Last_Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
    page = answers(200, b"x" * 5000, **modified)
    tls = server_context(certificate)
    trusting = config_of(ca_file=certificate.ca_file)
    async with Pages(page, tls=tls) as pages, exporter(trusting) as asked:
        answer = await asked.probe(pages.named_url)
    samples = answer.samples
    assert answer.success == 1.0
    assert samples["probe_http_ssl"] == 1.0
    assert samples["probe_http_content_length"] == 5000
    assert samples["probe_http_uncompressed_body_length"] == 5000
    assert samples["probe_http_last_modified_timestamp_seconds"] == 1445412480
    assert samples['probe_tls_version_info{version="TLS 1.3"}'] == 1.0
    assert samples["probe_ssl_earliest_cert_expiry"] > 1.7e9
    info = next(name for name in samples if name.startswith("probe_ssl_last_chain_info"))
    for label in ("fingerprint_sha256", "issuer", "serialnumber", "subject", "subjectalternative"):
        assert f'{label}="' in info
    assert 'subject="CN=localhost"' in info


async def test_a_certificate_that_no_one_signed_fails_unless_it_is_meant(tmp_path: Path) -> None:
    tls = server_context(make_certificate(tmp_path))
    lax = {"prober": "http", "http": {"tls_config": {"insecure_skip_verify": True}}}
    async with (
        Pages(answers(), tls=tls) as pages,
        exporter(config_of(tables={"lax": lax})) as asked,
    ):
        strict = await asked.probe(pages.url)
        skipping = await asked.probe(pages.url, "lax")
    assert strict.success == 0.0
    assert 'cause="tls_invalid",phase="tls"' in strict.why
    assert skipping.success == 1.0
    assert skipping.samples["probe_ssl_earliest_cert_expiry"] > 1.7e9


PAGE = answers(200, b"Welcome to nginx", Server="nginx/1.25", X_Twice="a")
# Keys of `http`, and whether the page above passes with them.
KEYS: list[tuple[dict[str, Any], bool]] = [
    ({"valid_status_codes": [200, 204]}, True),
    ({"valid_status_codes": [204]}, False),
    ({"fail_if_body_matches_regexp": ["nginx"]}, False),
    ({"fail_if_body_matches_regexp": ["(?i)apache"]}, True),
    ({"fail_if_body_not_matches_regexp": ["^Welcome", "nginx$"]}, True),
    ({"fail_if_body_not_matches_regexp": ["Welcome$"]}, False),
    ({"fail_if_header_matches": [{"header": "server", "regexp": "nginx"}]}, False),
    ({"fail_if_header_not_matches": [{"header": "Server", "regexp": "^nginx"}]}, True),
    ({"fail_if_header_not_matches": [{"header": "X-None", "regexp": "."}]}, False),
    (
        {
            "fail_if_header_not_matches": [
                {"header": "X-None", "regexp": ".", "allow_missing": True}
            ]
        },
        True,
    ),
    ({"fail_if_not_ssl": True}, False),
    ({"fail_if_ssl": True}, True),
    ({"valid_http_versions": ["HTTP/1.1"]}, True),
    ({"valid_http_versions": ["HTTP/2.0"]}, False),
    ({"body_size_limit": "4B"}, False),
    ({"body_size_limit": "1MB"}, True),
    ({"method": "HEAD"}, True),
    ({"preferred_ip_protocol": "ip6"}, True),
    ({"preferred_ip_protocol": "ip6", "ip_protocol_fallback": False}, False),
]


@pytest.mark.parametrize(("keys", "passes"), KEYS, ids=lambda value: str(value)[:60])
async def test_the_keys_decide_as_blackbox_exporters_do(keys: dict[str, Any], passes: bool) -> None:
    table = {"prober": "http", "http": keys}
    async with Pages(PAGE) as pages, exporter(config_of(tables={"m": table})) as asked:
        answer = await asked.probe(pages.url, "m")
    assert answer.success == float(passes), answer.why
    regex = any("regexp" in key or "header" in key for key in keys)
    assert answer.samples["probe_failed_due_to_regex"] == float(regex and not passes)


async def head_of(table: dict[str, Any], **query: Any) -> str:
    """The request that a module sends."""
    module = {"prober": "http", "http": table}
    async with Pages(answers()) as pages, exporter(config_of(tables={"m": module})) as asked:
        answer = await asked.probe(pages.url, "m", **query)
        assert answer.success == 1.0, answer.text
    return pages.heads[0]


async def test_method_headers_body_and_login_are_sent(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("file-token\n")
    head = await head_of({"method": "POST", "body": "{}", "headers": {"X-A": "b", "Accept": "c"}})
    assert head.startswith("POST / HTTP/1.1")
    assert "X-A: b" in head
    assert "Accept: c" in head
    assert "Content-Length: 2" in head
    login = {"basic_auth": {"username": "joe", "password": "hunter2"}}
    pair = base64.b64encode(b"joe:hunter2").decode()
    assert f"Authorization: Basic {pair}" in await head_of(login)
    token = {"bearer_token_file": str(tmp_path / "token")}
    assert "Authorization: Bearer file-token" in await head_of(token)
    typed = {"authorization": {"type": "ApiKey", "credentials": "k"}}
    assert "Authorization: ApiKey k" in await head_of(typed)
    listed = {"http_headers": {"X-Key": {"secrets": ["s"]}}}
    assert "X-Key: s" in await head_of(listed)


async def test_credentials_go_to_their_own_hosts_alone() -> None:
    listed = [{"host": "127.*", "token": "for-loopback"}, {"host": "*", "token": "for-others"}]
    assert "Bearer for-loopback" in await head_of({"credentials": listed})
    assert "Authorization" not in await head_of({"credentials": [{"host": "x.*", "token": "t"}]})


async def test_hostname_is_the_host_header() -> None:
    head = await head_of({}, hostname="www.example.org")
    assert "Host: www.example.org\r\n" in head
    assert head.lower().count("\r\nhost:") == 1


async def test_a_secret_stays_with_the_targets_host() -> None:
    login = {"prober": "http", "http": {"bearer_token": "hunter2", "headers": {"Cookie": "c=d"}}}
    async with Pages(answers()) as other:
        location = other.url.replace("127.0.0.1", "localhost")
        moved = answers(302, b"", Location=location)
        async with Pages(moved) as pages, exporter(config_of(tables={"m": login})) as asked:
            answer = await asked.probe(pages.url, "m")
    assert answer.success == 1.0
    assert answer.samples["probe_http_redirects"] == 1.0
    assert "Bearer hunter2" in pages.heads[0]
    assert "hunter2" not in other.heads[0]
    assert "c=d" not in other.heads[0]


async def test_a_redirect_is_the_answer_where_none_is_followed() -> None:
    table = {"prober": "http", "http": {"follow_redirects": False, "valid_status_codes": [302]}}
    behaviour = in_turn(says(message(302, b"", {"Location": "/b", "Content-Length": "0"})))
    async with Pages(behaviour) as pages, exporter(config_of(tables={"m": table})) as asked:
        answer = await asked.probe(pages.url, "m")
    assert (answer.success, answer.samples["probe_http_status_code"]) == (1.0, 302.0)


async def test_a_target_without_a_scheme_is_http() -> None:
    async with Pages(answers()) as pages, exporter() as asked:
        answer: Answer = await asked.probe(f"127.0.0.1:{pages.port}")
    assert answer.success == 1.0


async def test_a_secrets_file_that_is_gone_says_nothing_of_the_target(tmp_path: Path) -> None:
    table = {"prober": "http", "http": {"bearer_token_file": str(tmp_path / "gone")}}
    async with Pages(answers()) as pages, exporter(config_of(tables={"m": table})) as asked:
        answer = await asked.probe(pages.url, "m")
    assert answer.success is None
    assert 'cause="own_credentials"' in answer.why


async def test_a_host_header_is_the_name_in_the_handshake_but_of_no_redirect(
    tmp_path: Path,
) -> None:
    named = make_certificate(tmp_path, names=("www.example.org",))
    (tmp_path / "other").mkdir()
    other = make_certificate(tmp_path / "other")
    both = tmp_path / "both.pem"
    both.write_bytes(named.ca_file.read_bytes() + other.ca_file.read_bytes())
    table = {"prober": "http", "http": {"headers": {"Host": "www.example.org"}}}
    config = config_of(ca_file=both, tables={"m": table})
    async with Pages(answers(), tls=server_context(other)) as last:
        moved = answers(302, b"", Location=last.named_url)
        async with Pages(moved, tls=server_context(named)) as pages, exporter(config) as asked:
            answer = await asked.probe(pages.url, "m")
            clash = await asked.probe(pages.url, "m", hostname="ftp.example.org")
    assert answer.success == 1.0, answer.text
    assert "Host: www.example.org" in pages.heads[0]
    assert "www.example.org" not in last.heads[0]
    assert (clash.status, "hostname defined both" in clash.text) == (400, True)


async def test_a_large_body_is_sent_whole(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"x" * 100_000)
    head = await head_of({"method": "PUT", "body_file": str(tmp_path / "body")})
    assert "Content-Length: 100000" in head
