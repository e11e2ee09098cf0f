"""The lab's certificates are accepted by strict clients, and refused for the right reason."""

import asyncio
import ssl
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509

from probe.lab import certificates
from probe.lab.certificates import Authority
from tests.lab.turn.raw_turn import hang_up

# OpenSSL's X509_V_ERR_* codes.
EXPIRED, SELF_SIGNED_OR_UNKNOWN, HOST_MISMATCH, IP_MISMATCH = 10, {18, 19, 20}, 62, 64


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def strict(authority: Authority) -> ssl.SSLContext:
    context = authority.client_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


async def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """One TLS handshake over loopback, as a client who asks for ``name``."""
    listener = await asyncio.start_server(
        lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=server
    )
    port = listener.sockets[0].getsockname()[1]
    with closing(listener):
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client, server_hostname=name
        )
        await hang_up(writer)
    await listener.wait_closed()


@pytest.mark.parametrize("name", ["turn.lab.test", "127.0.0.1", "::1"])
async def test_a_strict_client_accepts_every_name_of_a_certificate(
    authority: Authority, name: str
) -> None:
    server = authority.issue(["turn.lab.test", "127.0.0.1", "::1"])
    await shake_hands(server, strict(authority), name)


async def test_a_name_longer_than_a_common_name_is_fine(authority: Authority) -> None:
    name = f"{'a' * 60}.{'b' * 60}.test"
    await shake_hands(authority.issue([name]), strict(authority), name)


async def test_an_expired_certificate_is_refused_as_expired(authority: Authority) -> None:
    server = certificates.expired(authority, ["127.0.0.1"])
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        await shake_hands(server, strict(authority), "127.0.0.1")
    assert caught.value.verify_code == EXPIRED


@pytest.mark.parametrize(("name", "code"), [("127.0.0.1", IP_MISMATCH), ("a.test", HOST_MISMATCH)])
async def test_a_certificate_for_another_name_is_refused(
    authority: Authority, name: str, code: int
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        await shake_hands(certificates.wrong_name(authority), strict(authority), name)
    assert caught.value.verify_code == code


async def test_another_authority_is_not_trusted(authority: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        await shake_hands(certificates.untrusted(["127.0.0.1"]), strict(authority), "127.0.0.1")
    assert caught.value.verify_code in SELF_SIGNED_OR_UNKNOWN


def test_the_written_certificate_is_the_authoritys(authority: Authority, tmp_path: Path) -> None:
    path = tmp_path / "authority.pem"
    authority.write(path)
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    assert path.read_bytes() == authority.pem
    assert b"PRIVATE" not in authority.pem
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_issuing_leaves_no_key_on_disk(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    authority.issue(["127.0.0.1"])
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_without_a_name_is_a_mistake(authority: Authority) -> None:
    with pytest.raises(ValueError, match="at least one name"):
        authority.issue([])


async def test_validity_counts_from_the_clock_that_is_passed_in() -> None:
    """An authority of 2001 has long ended, so even its valid certificates have."""
    old = Authority(clock=lambda: 1e9)
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        await shake_hands(old.issue(["127.0.0.1"]), strict(old), "127.0.0.1")
    assert caught.value.verify_code == EXPIRED
