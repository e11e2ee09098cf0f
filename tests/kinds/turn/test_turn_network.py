"""Names, connections and TLS on the way to a TURN server: each failure in its own phase."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from probe.core.context import Context
from probe.lab.certificates import Authority, expired, untrusted, wrong_name
from probe.net.resolver import Address
from probe.net.tls.contexts import client_context
from probe.stun.credentials import TurnCredentials
from probe.stun.transport import untimed
from probe.stun.uri import parse_turn_url
from probe.turn.client import TurnClient
from tests.turn.turn_lab import (
    HOST,
    PASSWORD,
    USERNAME,
    WAYS,
    TurnLab,
    ending,
    run,
    turn_check,
    turn_lab,
)


@pytest.mark.parametrize("way", ["tcp", "tls"])
async def test_a_server_that_hangs_up_is_reported_at_once(
    lab: TurnLab, context: Context, way: str
) -> None:
    lab.knobs.close_on_connect = True
    result = await run(lab.check(way), context)
    assert ending(result) == ("allocate", "connection_closed")
    assert result.duration < 4
    assert await lab.is_clean(context)


async def test_a_tls_handshake_that_stalls_ends_at_the_deadline(
    lab: TurnLab, context: Context
) -> None:
    lab.knobs.tls_stall = True
    assert ending(await run(lab.check("tls", deadline=0.5), context)) == ("tls", "deadline")
    assert await lab.is_clean(context)


@pytest.mark.parametrize("way", WAYS)
async def test_a_server_that_is_gone_refuses(lab: TurnLab, context: Context, way: str) -> None:
    check = lab.check(way)
    await lab.server.stop()
    result = await run(check, context)
    phase = "allocate" if way == "udp" else "connect"
    assert ending(result) == (phase, "connect_refused")
    assert result.duration < 4
    assert await lab.is_clean(context)


@pytest.mark.parametrize(
    ("certificate", "cause"),
    [
        (wrong_name, "tls_invalid"),
        (lambda authority: expired(authority, [HOST]), "tls_invalid"),
        (lambda _: untrusted([HOST]), "tls_invalid"),
    ],
    ids=["wrong name", "expired", "untrusted"],
)
async def test_a_bad_certificate_fails_the_tls_phase(
    leaks: None,
    tmp_path: Path,
    context: Context,
    certificate: Callable[[Authority], ssl.SSLContext],
    cause: str,
) -> None:
    async with turn_lab(tmp_path, certificate=certificate) as lab:
        assert ending(await run(lab.check("tls"), context)) == ("tls", cause)
        assert ending(await run(lab.check("tcp"), context)) is None
        assert await lab.is_clean(context)


@pytest.mark.parametrize(
    ("host", "phase", "cause"),
    [
        ("no-such-host.invalid", "dns", "dns_failed"),
        ("192.0.2.1", "dns", "address_reserved"),
        ("[2001:db8::1]", "dns", "address_reserved"),
    ],
)
async def test_names_and_addresses_that_lead_nowhere(
    leaks: None, host: str, phase: str, cause: str
) -> None:
    result = await run(turn_check(url=f"turn:{host}:3478", username="u", password="p"))
    assert ending(result) == (phase, cause)


async def test_a_server_that_speaks_http_is_no_turn_server(leaks: None) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        await writer.drain()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(answer, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        plain = await run(turn_check(url=f"turn:{HOST}:{port}?transport=tcp", deadline=2))
        tls = await run(turn_check(url=f"turns:{HOST}:{port}", deadline=2))
    assert ending(plain) == ("allocate", "protocol_error")
    assert ending(tls) == ("tls", "tls_failed")


@pytest.mark.parametrize("way", ["tcp", "tls"])
async def test_an_address_that_refuses_is_passed_over(
    lab: TurnLab, context: Context, way: str
) -> None:
    url = parse_turn_url(lab.url(way))
    addresses = [
        Address("127.0.0.1", 1, socket.AF_INET),
        Address(HOST, url.port, socket.AF_INET),
    ]
    client = TurnClient(
        url, TurnCredentials(USERNAME, SecretStr(PASSWORD)), clock=context.clock, now=context.now
    )
    await client.open(addresses, untimed, client_context(lab.ca_file))
    assert client.server == addresses[1]
    await client.close()
    assert await lab.is_clean(context)
