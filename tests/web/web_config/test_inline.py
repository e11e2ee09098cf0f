"""Certificate and key in the web configuration file itself, and what is wrong there."""

import os
import ssl
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from probe.web import security as security_module
from probe.web.security import WebSecurity
from probe.web.web_config import WebConfigError, read_web_config
from tests.servers.certificate import Certificate, make_certificate
from tests.web.web_config.test_web_config import _client, _get, _written, served


def _tls(certificate: Certificate, inline: Collection[str]) -> dict[str, Any]:
    files = {
        "cert": certificate.cert_file,
        "key": certificate.key_file,
        "client_ca": certificate.ca_file,
    }
    found: dict[str, Any] = {"client_auth_type": "RequireAndVerifyClientCert"}
    for name, path in files.items():
        found |= {name: path.read_text()} if name in inline else {f"{name}_file": path.name}
    return found


@pytest.mark.parametrize(
    "inline",
    [("cert", "key", "client_ca"), ("cert", "key"), ("cert",), ("key",), ("client_ca",)],
    ids="-".join,
)
async def test_pem_in_the_file_serves_as_that_of_files_does(
    tmp_path: Path, inline: Collection[str]
) -> None:
    certificate = make_certificate(tmp_path)
    path = _written(tmp_path, {"tls_server_config": _tls(certificate, inline)})
    async with served(WebSecurity(path)) as port:
        url = f"https://localhost:{port}/metrics"
        assert (await _get(url, _client(certificate, shown=certificate)))[0] == 200
        with pytest.raises(aiohttp.ClientError):
            await _get(url, _client(certificate))


async def test_a_renewed_certificate_in_the_file_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security_module, "CHECK_SECONDS", 0.0)
    inline = {"cert", "key", "client_ca"}
    first = make_certificate(tmp_path)
    path = _written(tmp_path, {"tls_server_config": _tls(first, inline)})
    async with served(WebSecurity(path)) as port:
        old = _client(first, shown=first)
        url = f"https://localhost:{port}/metrics"
        assert (await _get(url, old))[0] == 200
        renewed = make_certificate(tmp_path)
        _written(tmp_path, {"tls_server_config": _tls(renewed, inline)})
        assert (await _get(url, _client(renewed, shown=renewed)))[0] == 200


def test_a_key_in_the_file_is_left_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither with files in memory nor without them (as on macOS)."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    certificate = make_certificate(tmp_path)
    path = _written(tmp_path, {"tls_server_config": _tls(certificate, {"cert", "key"})})
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(2):
        assert isinstance(read_web_config(path)[1], ssl.SSLContext)
        monkeypatch.delattr(os, "memfd_create", raising=False)
    assert not list(folder.iterdir())
    assert len(os.listdir("/proc/self/fd")) <= len(before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cert_file": "cert.pem"}, "cert and cert_file are both set: remove one"),
        ({"key_file": "key.pem"}, "key and key_file are both set"),
        ({"client_ca_file": "ca.pem"}, "client_ca and client_ca_file are both set"),
        ({"cert": ""}, "cert_file or cert is missing: set one"),
        ({"key": None}, "key_file or key is missing"),
        ({"cert": "no PEM"}, "cert and key: no PEM was found"),
        (
            {"key": "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n"},
            "cert and key",
        ),
        ({"client_ca": "no PEM"}, "client_ca: .*write certificates in PEM"),
        ({"cert": 5}, "tls_server_config.cert: must be a text"),
        ({"key": ["s3cret"]}, "tls_server_config.key: must be a text"),
        ({"client_ca": ""}, "belong together: set both"),
        ({"cert": None, "cert_file": "."}, "cert_file: .* is not a regular file"),
        ({"cert": None, "cert_file": "missing.pem"}, "cert_file: .*missing.pem: No such file"),
        ({"cert": None, "cert_file": "a\0b"}, "tls_server_config"),
        ({"curve_preferences": ["X25519", "CurveP256"]}, "only one curve"),
        (
            {"cipher_suites": ["TLS_AES_128_GCM_SHA256"], "max_version": "TLS12"},
            "none is for TLS12",
        ),
    ],
)
def test_what_is_wrong_is_named_and_no_key_is_shown(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    certificate = make_certificate(tmp_path)
    table = _tls(certificate, {"cert", "key", "client_ca"})
    path = _written(tmp_path, {"tls_server_config": {**table, **change}})
    with pytest.raises(WebConfigError, match=words) as raised:
        read_web_config(path)
    assert str(raised.value).startswith(f"{path}, line ")
    assert "s3cret" not in str(raised.value)
    assert table["key"][40:80] not in str(raised.value)


def test_a_key_of_another_certificate_is_named(tmp_path: Path) -> None:
    first = _tls(make_certificate(tmp_path), {"cert", "key"})
    second = _tls(make_certificate(tmp_path), {"cert", "key"})
    path = _written(tmp_path, {"tls_server_config": {**first, "key": second["key"]}})
    with pytest.raises(WebConfigError, match="cert and key: the key is not the certificate's"):
        read_web_config(path)


def test_suites_of_tls_1_3_alone_leave_nothing_older(tmp_path: Path) -> None:
    """As Go does, which has no suite of TLS 1.2 then."""
    table = _tls(make_certificate(tmp_path), {"cert"})
    table["cipher_suites"] = ["TLS_AES_128_GCM_SHA256"]
    _, context = read_web_config(_written(tmp_path, {"tls_server_config": table}))
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "basic_auth_users:\n  eva: a\nhttp_server_config:\nbasic_auth_users:\n",
            "line 4: the key 'basic_auth_users' is written twice, first in line 1: remove one",
        ),
        (
            "basic_auth_users:\n  eva: $2b$04$s3cret\n  bob: x\n  eva: y\n",
            "line 4: the key 'eva' is written twice, first in line 2",
        ),
        (
            "tls_server_config: {min_version: TLS12, min_version: TLS13}\n",
            "line 1: the key 'min_version' is written twice",
        ),
        ("http_server_config:\n\theaders: {}\n", "line 2: .*spaces instead of tabs"),
        ("---\na: 1\n---\nb: 2\n", "line 3: this begins a second document"),
        ("basic_auth_users: {eva: *s3cret}\n", "line 1: .*quote a text that begins with"),
        ("basic_auth_users: {eva: !s3cret x}\n", "line 1: .*quote a text that begins with !"),
        ("a: 2020-13-45\n", "a date or number that is none: quote it"),
        ("# x\nrate_limits: {}\n", 'line 2: rate_limits: unknown key: did you mean "rate_limit"'),
        (
            "\ntls_server_config:\n  cert_fil: a\n",
            'line 3: tls_server_config.cert_fil: unknown key: did you mean "cert_file"',
        ),
        ("http_server_config:\n  headers: 5\n", "line 2: .*must be a mapping"),
        ("basic_auth_users: {1234: x}", "basic_auth_users.1234.*must be a text: put it in quotes"),
        ("a: \x07\n", "line 1: a control character"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_place_and_remedy_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "web.yml"
    path.write_text(text)
    with pytest.raises(WebConfigError, match=words) as raised:
        read_web_config(path)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("made", ["directory", "pipe", "bytes", "loop", "missing"])
def test_what_is_no_file_of_text_is_refused(tmp_path: Path, made: str) -> None:
    path = tmp_path / "web.yml"
    if made == "directory":
        path.mkdir()
    elif made == "pipe":
        os.mkfifo(path)
    elif made == "bytes":
        path.write_bytes(b"\xff\xfea\0")
    elif made == "loop":
        path.symlink_to(path)
    with pytest.raises(WebConfigError, match=r"web\.yml: [A-Zi]"):
        read_web_config(path)


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_a_byte_order_mark_and_line_ends_of_windows_are_taken(tmp_path: Path, ends: str) -> None:
    text = yaml.safe_dump({"rate_limit": {"interval": "1s", "burst": 2}}).replace("\n", ends)
    path = tmp_path / "web.yml"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_web_config(path)[0].rate_limit.interval == 1.0
