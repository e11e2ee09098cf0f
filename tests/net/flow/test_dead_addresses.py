"""A name with many dead addresses, or one that is not resolved, holds no client for longer than
its deadline: service discovery, Pushgateway, Sentry, OpenTelemetry, the health check, receivers."""

import asyncio
import logging
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from yarl import URL

from alerts.notifiers.session import session_for_attempt
from probe.commands import healthcheck, push
from probe.config.discovery import http_sd
from probe.diagnostics import sentry as errors
from probe.diagnostics import sentry_transport
from probe.diagnostics.redact import Redactor
from probe.metrics.exporter import Exporter
from probe.net.flow.blocking_connect import connect, look_up
from tests.servers.certificate import make_certificate
from tests.servers.middleboxes.dead import NAME, Names, silent_port, silent_ports
from tests.servers.pages import Pages, answers, closed_port
from tests.servers.providers.dripping import PIECES, dripping
from tests.servers.providers.sentry import KEY, Sentry, sdk_apart

GROUPS = b'[{"targets": ["a.example.org"]}]'
FOUND = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
    len(GROUPS),
    GROUPS,
)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    made = Names(monkeypatch)
    yield made
    made.release()


@pytest.fixture(params=["many dead addresses", "a resolver that is silent"])
def nowhere(request: pytest.FixtureRequest, names: Names) -> Iterator[Names]:
    """The name leads nowhere, in either way."""
    names.silent = "silent" in request.param
    with silent_ports(4) as ports:
        names.ports = ports
        yield names


def discover(monkeypatch: pytest.MonkeyPatch, url: str, seconds: float) -> str:
    monkeypatch.setattr(http_sd, "TOTAL_SECONDS", seconds)
    monkeypatch.setattr(http_sd, "SECONDS", 60.0)
    return http_sd.fetch(url, "s3cret", 60, 1 << 20)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_service_discovery(nowhere: Names, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^no complete answer within 0\.3 s$"):
        discover(monkeypatch, f"{scheme}://{NAME}/targets", 0.3)
    assert nowhere.asked == 1


def test_a_proxy_that_leads_nowhere(nowhere: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://{NAME}:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ValueError, match=r"^no complete answer within 0\.3 s$"):
        discover(monkeypatch, "https://discovery.example.org/", 0.3)
    assert nowhere.asked == 1


def test_the_one_address_that_answers_is_found(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PIECES, "found", (FOUND, b""))
    with dripping("found") as server, silent_ports(3) as ports:
        names.ports = [*ports, closed_port(), server.port]
        assert discover(monkeypatch, f"http://{NAME}/", 60.0) == GROUPS.decode()


def test_a_name_that_hangs_takes_one_thread(names: Names) -> None:
    names.silent = True
    for _ in range(5):
        with pytest.raises(TimeoutError):
            look_up(NAME, 80, time.monotonic())
    assert names.asked == 1


def test_a_refusal_is_said_as_such(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    names.ports = [closed_port() for _ in range(40)]
    with pytest.raises(ConnectionRefusedError):
        connect(NAME, 80, time.monotonic() + 60)
    names.ports = []
    with pytest.raises(OSError, match="no address"):
        connect(NAME, 80, time.monotonic() + 60)
    with pytest.raises(ValueError, match=r"not a valid one|not known"):
        discover(monkeypatch, f"http://{'x' * 70}.example.org/", 60.0)


def test_pushing(
    nowhere: Names, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(push, "PUSH_SECONDS", 0.3)
    options = {"textfile": None, "push": f"http://u:pw@{NAME}:9091", "push_label": ()}
    exporter = Exporter(region="lax", repeats=False)
    assert not push.deliver(exporter, {**options, "push_job": None}, "lax")
    assert capsys.readouterr().err == (
        f"probe: --push {NAME}: not accepted: no complete answer within 0.3 s\n"
    )
    assert URL(f"http://{NAME}").host == NAME
    assert nowhere.asked == 1


@pytest.mark.parametrize("encrypted", [False, True])
def test_the_health_check(nowhere: Names, encrypted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healthcheck, "TIMEOUT_SECONDS", 0.3)
    assert "in time" in healthcheck.liveness_problem(NAME, 9091, encrypted=encrypted)
    assert nowhere.asked


@pytest.mark.parametrize("kind", ["head", "continue", "body"])
def test_the_health_check_of_a_server_that_drips(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(healthcheck, "TIMEOUT_SECONDS", 0.3)
    with dripping(kind) as server:
        problem = healthcheck.liveness_problem("127.0.0.1", server.port, encrypted=False)
    # The body of a head that says 200 is not waited for.
    assert bool(problem) is (kind != "body")


async def test_events_after_one_that_leads_nowhere_reach_sentry(
    nowhere: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentry_transport, "TIMEOUT_SECONDS", 0.3)
    with sdk_apart():
        async with Sentry() as sentry:
            dsn = f"http://{KEY}@{NAME}:{sentry.port}/42"
            assert errors.start(
                dsn, release="0.1.0", environment="test", region="lax", redactor=Redactor()
            )
            logger = logging.getLogger("probe.test_dead_addresses")
            logger.error("lost")
            async with asyncio.timeout(60):
                while not nowhere.asked:  # noqa: ASYNC110 - asked in a thread
                    await asyncio.sleep(0.01)
            monkeypatch.setattr(sentry_transport, "TIMEOUT_SECONDS", 60.0)
            nowhere.ports = [sentry.port]
            nowhere.silent = False
            logger.error("arrives")
            async with asyncio.timeout(60):
                while nowhere.asked < 2:
                    await asyncio.sleep(0.01)
                    nowhere.released.set()
            await sentry.asked()
            await errors.close()


def test_opentelemetry(nowhere: Names) -> None:
    exporter = pytest.importorskip("opentelemetry.exporter.otlp.proto.http.metric_exporter")
    from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData

    from probe.otel.session import bounded_session

    sending = exporter.OTLPMetricExporter(
        endpoint=f"http://{NAME}:4318/v1/metrics", timeout=0.3, session=bounded_session()
    )
    assert sending.export(MetricsData([])) is MetricExportResult.FAILURE
    assert nowhere.asked == 1


def test_a_receiver_whose_name_hangs_does_not_hold_the_end(names: Names) -> None:
    names.silent = True

    async def attempt() -> None:
        async with session_for_attempt(1 << 16) as session, asyncio.timeout(0.3):
            await session.post(f"http://{NAME}/")

    with pytest.raises(TimeoutError):
        asyncio.run(attempt())
    assert not names.released.is_set()


async def test_a_receiver_is_reached_by_its_name(names: Names) -> None:
    async with Pages(answers(200)) as pages:
        with silent_port() as port:
            names.ports = [port, pages.port]
            async with session_for_attempt(1 << 16) as session:
                answer = await session.get(f"http://{NAME}:{pages.port}/")
                assert answer.status == 200


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/x", "file:///etc/passwd", "data:,x"])
def test_a_redirect_leads_to_the_web_alone(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    monkeypatch.setitem(PIECES, "redirect", (head.encode(), b""))
    with dripping("redirect") as server, pytest.raises(ValueError, match=r"302|unknown url type"):
        discover(monkeypatch, f"http://127.0.0.1:{server.port}/", 60.0)


def test_the_body_of_a_redirect_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PIECES, "found", (FOUND, b""))
    with dripping("found") as server:
        head = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{server.port}/\r\n\r\n"
        monkeypatch.setitem(PIECES, "endless", (head.encode(), b"x"))
        with dripping("endless") as endless:
            found = discover(monkeypatch, f"http://127.0.0.1:{endless.port}/", 60.0)
    assert found == GROUPS.decode()


def test_a_handshake_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.ca_file))
    assert ssl.get_default_verify_paths().cafile
    # A record of a handshake that is announced as long, byte by byte.
    monkeypatch.setitem(PIECES, "handshake", (b"\x16\x03\x03\x40\x00", b"\x02"))
    with dripping("handshake") as server, pytest.raises(ValueError, match=r"within 0\.3 s"):
        discover(monkeypatch, f"https://localhost:{server.port}/", 0.3)
