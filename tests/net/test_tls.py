"""The authorities that a client trusts."""

import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.lab.certificates import Authority
from probe.net.resolver import Address
from probe.net.tls.contexts import client_context
from probe.stun.transport import Transport
from probe.stun.transport.connect import connect_transport, secure_transport
from probe.stun.uri import parse_turn_url
from tests.browser.http.tls_servers import HOST, TlsServer, certificate, serving
from tests.clocks import settle


class Deaf:
    """A receiver to which nothing matters."""

    def has_channel(self, number: int) -> bool:
        """None was bound."""
        return False

    def message_received(self, frame: bytes) -> None:
        """Nothing is asked."""

    def connection_lost(self, error: CheckAborted) -> None:
        """It ends with the test."""


def test_a_file_that_goes_in_mid_run_is_trusted_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    Authority().write(file)
    context = client_context(file)
    file.unlink()
    assert client_context(file) is context


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    Authority().write(file)
    context = client_context(file)
    file.unlink()
    Authority().write(file)
    assert client_context(file) is not context


def test_a_file_that_never_was_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured) as caught:
        client_context(tmp_path / "none.pem")
    assert caught.value.cause is Cause.INTERNAL_ERROR
    assert "none.pem" in caught.value.message


def test_a_common_name_is_no_name_for_a_browser_and_may_be_one_for_a_store() -> None:
    assert not client_context().hostname_checks_common_name
    assert client_context(browser=False).hostname_checks_common_name


@pytest.mark.parametrize(
    ("name", "accepted"),
    [("rsa-2048", True), ("rsa-1024", True), ("p-256", True), ("p-384", True)]
    + [(name, False) for name in ("p-521", "ed25519", "ed448")],
)
async def test_a_turn_server_s_key_is_one_that_browsers_accept(
    tmp_path: Path, name: str, accepted: bool
) -> None:
    async with serving(TlsServer(name), tmp_path) as port:
        url = parse_turn_url(f"turns:{HOST}:{port}?transport=tcp")
        address = Address(HOST, port, socket.AF_INET)
        context = client_context(certificate(tmp_path, name))

        def connect() -> Coroutine[Any, Any, Transport]:
            return connect_transport(url, address, Deaf())

        transport = await connect()
        if accepted:
            await secure_transport(transport, url, context, connect)
            transport.abort()
            await settle()
            return
        with pytest.raises(CheckFailed) as caught:
            await secure_transport(transport, url, context, connect)
        transport.abort()
        await settle()
    assert (caught.value.cause, caught.value.phase) == (Cause.TLS_FAILED, "tls")
    assert "RSA" in caught.value.hint
