"""``probe turn`` says whether a server offers TURN over DTLS (RFC 7350), and with what."""

import time
from pathlib import Path

import pytest

from probe.net.resolver import Address
from probe.stun.uri import parse_turn_url
from probe.turn_report.dtls import dtls_finding
from probe.turn_report.findings import Finding, FindingStatus
from tests.servers.certificate import make_certificate
from tests.servers.coturn import Coturn, CoturnConfig, CoturnFactory
from tests.servers.pages import closed_port
from tests.turn.bent_server import bent_server

HOST = "127.0.0.1"


async def look(
    port: int, ca_file: Path | None, *, seconds: float = 10.0, host: str = HOST, now: float = 0.0
) -> Finding:
    address = Address(HOST, port, 2)
    url = parse_turn_url(f"turns:{host}:{port}?transport=tcp")
    return await dtls_finding(
        url, address, ca_file=ca_file, seconds=seconds, now=now or time.time()
    )


@pytest.fixture
def server(coturn: CoturnFactory) -> Coturn:
    return coturn(CoturnConfig(dtls=True))


@pytest.mark.parts
async def test_a_listener_is_shown_with_its_certificate(server: Coturn) -> None:
    found = await look(server.tls_port, server.ca_file)
    assert found.status is FindingStatus.OK
    assert "DTLS" in str(found.data["version"])
    assert "asks for credentials" in found.summary
    assert "certificate ends in" in found.summary


@pytest.mark.parts
@pytest.mark.parametrize("wrong", ["authority", "name", "time"])
async def test_a_certificate_that_proves_nothing_is_a_warning(
    server: Coturn, tmp_path: Path, wrong: str
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    ca_file = make_certificate(folder).ca_file if wrong == "authority" else server.ca_file
    host = "relay.example.org" if wrong == "name" else HOST
    now = time.time() + (20 * 365 * 86400 if wrong == "time" else 0)
    found = await look(server.tls_port, ca_file, host=host, now=now)
    assert found.status is FindingStatus.WARNING
    assert "the certificate is not valid" in found.summary
    assert "chain of the TLS listener" in found.fix


async def test_a_port_that_is_closed_offers_none() -> None:
    found = await look(closed_port(), None)
    assert (found.status, "is closed for DTLS" in found.summary) == (FindingStatus.SKIPPED, True)


async def test_a_port_that_speaks_something_else_offers_none() -> None:
    async with bent_server(first_answers=lambda: b"what is not a DTLS") as other:
        found = await look(other.port, None, seconds=0.7)
    assert found.status is FindingStatus.SKIPPED
    assert "answers no DTLS" in found.summary


async def test_a_handshake_that_fails_is_a_warning() -> None:
    alert = b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28"  # handshake_failure
    async with bent_server(first_answers=lambda: alert) as other:
        found = await look(other.port, None)
    assert found.status is FindingStatus.WARNING
    assert "the DTLS handshake" in found.summary
