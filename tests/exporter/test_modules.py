"""Modules in blackbox_exporter's own format: what loads, and what is refused with a remedy."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from probe.config.settings import load_settings
from probe.core.environment import ConfigurationError
from probe.exporter.modules.reading import read_modules
from probe.kinds import KINDS

# blackbox_exporter's example.yml in the main, without what Prometheus' own documentation says
# is optional.
EXAMPLE = """
modules:
  http_2xx_example:
    prober: http
    timeout: 5s
    http:
      valid_http_versions: ["HTTP/1.1", "HTTP/2.0"]
      valid_status_codes: []
      method: GET
      headers:
        Host: vhost.example.com
        Accept-Language: en-US
        Origin: example.com
      http_headers:
        Accept-Language:
          values: ["en-US"]
      follow_redirects: true
      fail_if_ssl: false
      fail_if_not_ssl: false
      fail_if_body_matches_regexp:
        - "Could not connect to database"
      fail_if_body_not_matches_regexp:
        - "Download the latest version here"
      fail_if_header_matches:
        - header: Set-Cookie
          allow_missing: true
          regexp: '.*'
      fail_if_header_not_matches:
        - header: Access-Control-Allow-Origin
          regexp: '(\\*|example\\.com)'
      tls_config:
        insecure_skip_verify: false
      preferred_ip_protocol: "ip4"
      ip_protocol_fallback: false
  http_with_proxy_off:
    prober: http
    http:
      proxy_url: ""
      proxy_from_environment: false
  http_post_2xx:
    prober: http
    timeout: 5s
    http:
      method: POST
      headers:
        Content-Type: application/json
      body: '{}'
  http_basic_auth_example:
    prober: http
    timeout: 5s
    http:
      method: POST
      headers:
        Host: "login.example.com"
      basic_auth:
        username: "username"
        password: "mysecret"
  http_custom_ca_example:
    prober: http
    http:
      method: GET
      tls_config:
        ca_file: "/certs/my_cert.crt"
  http_gzip:
    prober: http
    http:
      method: GET
      compression: gzip
      body_size_limit: 1MB
  tls_connect:
    prober: tcp
    timeout: 5s
    tcp:
      tls: true
  tcp_connect_example:
    prober: tcp
    timeout: 5s
  imap_starttls:
    prober: tcp
    timeout: 5s
    tcp:
      query_response:
        - expect: "OK.*STARTTLS"
        - send: ". STARTTLS"
        - expect: "OK"
        - starttls: true
        - send: ". capability"
        - expect: "CAPABILITY IMAP4rev1"
  irc_banner_example:
    prober: tcp
    timeout: 1m30s
    tcp:
      query_response:
        - send: "NICK prober"
        - expect: "PING :([^ ]+)"
          send: "PONG ${1}"
        - expect: "^:[^ ]+ 001"
  icmp_example:
    prober: icmp
    timeout: 5s
    icmp:
      preferred_ip_protocol: "ip4"
  icmp_ttl5:
    prober: icmp
    timeout: 500ms
    icmp:
      ttl: 5
      dont_fragment: true
      payload_size: 64
  dns_udp_example:
    prober: dns
    timeout: 5s
    dns:
      query_name: "www.prometheus.io"
      query_type: "A"
      valid_rcodes:
      - NOERROR
      validate_answer_rrs:
        fail_if_matches_regexp:
        - ".*127.0.0.1"
        fail_if_all_match_regexp:
        - ".*127.0.0.1"
        fail_if_not_matches_regexp:
        - "www.prometheus.io.\\t300\\tIN\\tA\\t127.0.0.1"
        fail_if_none_matches_regexp:
        - "127.0.0.1"
      validate_authority_rrs:
        fail_if_matches_regexp:
        - ".*127.0.0.1"
  dns_soa:
    prober: dns
    dns:
      query_name: "prometheus.io"
      query_type: "SOA"
  dns_tcp_example:
    prober: dns
    dns:
      transport_protocol: "tcp"
      preferred_ip_protocol: "ip4"
      query_name: "www.prometheus.io"
  http_empty:
    prober: http
    http:
"""


def test_blackbox_exporters_example_loads(tmp_path: Path) -> None:
    path = tmp_path / "modules.yml"
    path.write_text(EXAMPLE)
    found, problems = read_modules(path)
    assert problems == []
    assert found.keys() == yaml.safe_load(EXAMPLE)["modules"].keys()
    assert found["irc_banner_example"].timeout == 90.0
    assert found["icmp_ttl5"].timeout == 0.5
    assert found["http_gzip"].http.body_size_limit == 1 << 20


# A module, and the key and remedy that the error has to name.
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, 'key "prober"', "required"),
    ({"prober": "ftp"}, 'key "prober"', "http"),
    ({"prober": "http", "timeout": "soon"}, 'key "timeout"', "5s"),
    ({"prober": "http", "http": {"metod": "GET"}}, 'key "http.metod"', "unknown key"),
    ({"prober": "http", "http": {"proxy_url": "http://p"}}, 'key "http"', "proxy_url"),
    ({"prober": "http", "http": {"oauth2": {"a": 1}}}, 'key "http"', "credentials_file"),
    (
        {"prober": "http", "http": {"fail_if_body_json_matches_cel": "x"}},
        'key "http"',
        "fail_if_body_matches_regexp",
    ),
    (
        {"prober": "http", "http": {"fail_if_body_matches_regexp": ["("]}},
        'key "http.fail_if_body_matches_regexp", item 1',
        "can't be compiled",
    ),
    ({"prober": "http", "http": {"valid_http_versions": ["HTTP/9"]}}, "valid_http", "HTTP/1.1"),
    ({"prober": "http", "http": {"preferred_ip_protocol": "ipv4"}}, "preferred_ip", "ip4"),
    ({"prober": "http", "tcp": {"tls": True}}, 'key "tcp"', 'below "http"'),
    ({"prober": "http", "grpc": {"service": "x"}}, "module", "HTTP health endpoint"),
    ({"prober": "http", "http": {"headers": {"A": "b\r\nC: d"}}}, "http.headers", "one line"),
    ({"prober": "http", "http": {"headers": {"A B": "c"}}}, "http.headers", "not a header name"),
    ({"prober": "dns"}, "module", "query_name"),
    ({"prober": "dns", "dns": {"query_name": "a", "query_type": "NOPE"}}, 'key "dns"', "type"),
    ({"prober": "tcp", "tcp": {"source_ip_address": "10.0.0.1"}}, 'key "tcp"', "bind"),
    (
        {"prober": "http", "http": {"basic_auth": {"username": "a"}, "bearer_token": "b"}},
        'key "http"',
        "one of basic_auth",
    ),
    (
        {"prober": "http", "http": {"tls_config": {"cert_file": "/a"}}},
        'key "http.tls_config"',
        "key_file",
    ),
    (
        {"prober": "turn", "turn": {"credentials": [{"host": "a", "username": "b"}]}},
        'key "turn.credentials", item 1',
        "username and password",
    ),
]


@pytest.mark.parametrize(("module", "key", "remedy"), WRONG, ids=lambda value: str(value)[:50])
def test_what_can_not_be_done_names_key_and_remedy(
    tmp_path: Path, module: dict[str, Any], key: str, remedy: str
) -> None:
    path = tmp_path / "modules.yml"
    path.write_text(yaml.safe_dump({"modules": {"mine": module, "good": {"prober": "icmp"}}}))
    found, problems = read_modules(path)
    text = "\n".join(map(str, problems))
    assert 'module "mine"' in text
    assert key in text
    assert remedy in text
    assert "hunter2" not in text
    assert list(found) == ["good"]


@pytest.mark.parametrize(
    "text", ["", "a: b", "modules: [a]", "modules: {a: b}", "\t", "{", "a: [\n"]
)
def test_a_file_that_holds_no_modules_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "modules.yml"
    path.write_text(text)
    found, problems = read_modules(path)
    assert found == {}
    assert problems
    assert str(path) in problems[0].place


def settings_of(toml: str, folder: Path, **environ: str) -> Any:
    (folder / "probe.toml").write_text(toml)
    variables = {"PROBE_CONFIG": str(folder / "probe.toml"), **environ}
    return load_settings(KINDS, variables, env_file=None).exporter


def test_modules_may_be_in_probe_toml_with_secrets_in_variables(tmp_path: Path) -> None:
    toml = """
    [exporter]
    targets = ["*.example.org", "10.0.0.0/8"]
    timeout_offset = 0.25
    [modules.eu]
    prober = "turn"
    timeout = "4s"
    [[modules.eu.turn.credentials]]
    host = "*.example.org"
    username = "joe"
    password_from = "EU_PASSWORD"
    """
    found = settings_of(toml, tmp_path, EU_PASSWORD="hunter2", PROBE_EXPORTER_TARGETS="a.net")
    assert found.modules["eu"].turn.credentials[0].password.get_secret_value() == "hunter2"
    assert found.secrets == {"hunter2"}
    assert "hunter2" not in found.document()
    assert len(found.allowed.entries) == 3
    assert found.timeout_offset == 0.25
    assert "http_2xx" in found.modules
    with pytest.raises(ConfigurationError, match="EU_PASSWORD is not set"):
        settings_of(toml, tmp_path)


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('[[modules]]\nname = "x"', "prober"),
        ("modules = 3", "write it as a table"),
        ("exporter = 3", "write it as a table"),
        ("[exporter]\nrat = 3", 'key "rat"'),
        ('[exporter]\ntargets = ["10.0.0.1/8"]', "10.0.0.0/8"),
        ('[modules.a]\nprober = "http"\nhttp.metod = "GET"', "[modules.a]"),
    ],
)
def test_what_is_wrong_in_probe_toml_is_named(tmp_path: Path, toml: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings_of(toml, tmp_path)
    assert problem in str(caught.value)
    assert "probe.toml" in str(caught.value)


def test_a_modules_file_replaces_a_built_in_module(tmp_path: Path) -> None:
    (tmp_path / "modules.yml").write_text("modules: {http_2xx: {prober: http, timeout: 3s}}")
    found = settings_of("", tmp_path, PROBE_MODULES=str(tmp_path / "modules.yml"))
    assert found.modules["http_2xx"].timeout == 3.0
    with pytest.raises(ConfigurationError, match="No such file"):
        settings_of("", tmp_path, PROBE_MODULES=str(tmp_path / "none.yml"))
