"""Chromium and ``turns:`` of the probe beside each other: whose certificates of a relay pass.

The relay answers nothing: what comes over TLS is an Allocate, from whoever has taken its
certificate.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from probe.core.model import CheckAborted
from probe.net.resolver import Address
from probe.net.tls.contexts import client_context
from probe.stun.connection import StunConnection
from probe.stun.transaction import LIBWEBRTC
from probe.stun.transport import untimed
from probe.stun.uri import parse_turn_url
from tests.browser.http.certificates import compare
from tests.browser.http.certificates.case import CertificateRow
from tests.servers.chromium import Tab

GROUPS, tab = compare.GROUPS, compare.tab
_HERE = "127.0.0.1"
# Resolves with an error, or with nothing where the connection is left to itself.
_GATHER = """
new Promise(async done => {
  const server = {urls: %s, username: 'user', credential: 'password'};
  const peer = new RTCPeerConnection({iceTransportPolicy: 'relay', iceServers: [server]});
  peer.onicecandidateerror = event => { done(event.errorText); peer.close(); };
  peer.createDataChannel('data');
  await peer.setLocalDescription();
})
"""


async def outcome_of_chromium(row: CertificateRow, asking: Tab, folder: Path) -> str:
    """``ok`` where it sends an Allocate, or its error."""
    async with _serving(row, folder) as (port, came):
        url = f"turns:{row.host}:{port}?transport=tcp"
        gathering = asyncio.ensure_future(asking.evaluate(_GATHER % json.dumps(url)))
        allocating = asyncio.ensure_future(came.wait())
        await asyncio.wait({gathering, allocating}, return_when=asyncio.FIRST_COMPLETED)
        allocating.cancel()
        if came.is_set():
            gathering.cancel()
            await asyncio.wait({gathering})
            return "ok"
        return str(await gathering)


async def outcome_of_probe(row: CertificateRow, folder: Path) -> str:
    """``ok``, or the cause."""
    async with _serving(row, folder) as (port, _):
        url = parse_turn_url(f"turns:{row.host}:{port}?transport=tcp")
        address = Address(_HERE, port, socket.AF_INET)
        connection = StunConnection(url, address, LIBWEBRTC)
        try:
            await connection.connect()
            await connection.secure(untimed, client_context(compare.roots(folder)))
        except CheckAborted as error:
            return error.cause.value
        finally:
            connection.abort()
    return "ok"


@asynccontextmanager
async def _serving(row: CertificateRow, folder: Path) -> AsyncIterator[tuple[int, asyncio.Event]]:
    came = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await reader.read(1):
                came.set()
        except OSError:
            pass
        finally:
            writer.close()

    tls = compare.server_context(row, folder)
    server = await asyncio.start_server(take, _HERE, 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1], came
