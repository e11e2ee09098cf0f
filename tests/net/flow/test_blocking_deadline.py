"""No server holds a client that blocks in a thread for longer than a deadline."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from probe.config.discovery import http_sd
from probe.net.flow.blocking_deadline import BlockingDeadline
from tests.servers.certificate import make_certificate
from tests.servers.providers.dripping import PIECES, dripping


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_sd, "TOTAL_SECONDS", 0.3)
    monkeypatch.setattr(http_sd, "SECONDS", 30.0)


@pytest.mark.parametrize("kind", PIECES)
def test_service_discovery_ends_though_the_endpoint_does_not(kind: str) -> None:
    with dripping(kind) as server, pytest.raises(ValueError, match=r"within 0\.3 s|HTTP \("):
        http_sd.fetch(f"http://127.0.0.1:{server.port}/targets", "", 60, 1 << 20)


@pytest.mark.parametrize("kind", ["head", "body"])
def test_it_ends_over_tls_too(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    with dripping(kind, context) as server, pytest.raises(ValueError, match="within"):
        http_sd.fetch(f"https://localhost:{server.port}/targets", "", 60, 1 << 20)


def test_it_ends_behind_a_proxy_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    with dripping("head") as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        # On a busy machine the deadline may pass before there is a connection.
        for _ in range(50):
            with pytest.raises(ValueError, match="within"):
                http_sd.fetch("https://discovery.example.org/", "", 60, 1 << 20)
            if proxy.connections:
                break
        assert proxy.connections


@pytest.mark.parametrize(
    "answer", [b"\0garbage\r\n\r\n", b"HTTP/9 x\r\n\r\n", b"", b"HTTP/1.1 200\r\n" * 200]
)
def test_what_is_no_http_is_one_declared_error(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_sd, "TOTAL_SECONDS", 30.0)
    monkeypatch.setitem(PIECES, "once", (answer + b"x" * 70000, b"x" * 70000))
    with dripping("once") as server, pytest.raises((ValueError, OSError)) as raised:
        http_sd.fetch(f"http://127.0.0.1:{server.port}/targets", "s3cret", 60, 1 << 20)
    assert "s3cret" not in str(raised.value)


def test_a_connection_after_the_deadline_is_none() -> None:
    with socket.socket() as late, BlockingDeadline(0.0) as deadline:
        ended = threading.Event()
        while not deadline.passed:
            ended.wait(0.01)
        with pytest.raises(TimeoutError):
            deadline.add(late)
        with pytest.raises(TimeoutError):
            assert deadline.left
