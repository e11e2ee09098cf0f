"""``websocket``: the opening handshake (RFC 6455), a message there and one back, a close."""

from typing import TYPE_CHECKING

from pydantic import SecretStr
from yarl import URL

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.exporter.modules.credentials import credentials_for
from probe.exporter.modules.pattern import RegularExpression
from probe.exporter.modules.rtc import WebSocketProbe
from probe.exporter.probers import signals
from probe.exporter.probers.connection import Connector, write_address, write_tls
from probe.exporter.probers.http_request import of_credentials
from probe.exporter.probers.table import ProbeTable, prober
from probe.net.http_status import status_error
from probe.net.protocol.errors import ProtocolViolation
from probe.net.urls import show_host
from probe.net.websocket.connection import WebSocket
from probe.net.websocket.handshake import accepted, handshake_headers, new_key

if TYPE_CHECKING:
    from probe.net.http import FreshHttpClient


async def run(table: ProbeTable, record: Recorder, context: Context) -> None:
    """Open, send, expect, close."""
    from probe.net.http import fresh_client

    settings, address = table.module.websocket, table.address
    connector = Connector(settings, settings.tls_config, table.ca_file, server_name=table.hostname)
    record.sample(signals.STATUS, 0)
    record.sample(signals.FAILED_REGEX, 0)

    def begin(phase: str) -> None:
        record.current = phase

    async with fresh_client(
        ca_file=table.ca_file,
        clock=context.clock,
        host=show_host(address.get_secret_value()),
        on_phase=begin,
        connector=connector,
    ) as client:
        try:
            socket = await _open(table, settings, address, record, client)
        finally:
            client.timing.leave()
            for phase, seconds in client.timing.phases.items():
                record.add_phase(phase, seconds)
            write_address(connector.ip, record)
            write_tls(connector, record)
            record.facts.update(client.tls.facts)
        await _exchange(socket, settings, record)
        await socket.close()


async def _open(
    table: ProbeTable,
    settings: WebSocketProbe,
    address: SecretStr,
    record: Recorder,
    client: "FreshHttpClient",
) -> WebSocket:
    url, key = URL(address.get_secret_value()), new_key()
    headers = {**settings.headers, **handshake_headers(key)}
    if settings.subprotocols:
        headers["Sec-WebSocket-Protocol"] = ", ".join(settings.subprotocols)
    if settings.origin is not None:
        headers["Origin"] = settings.origin
    if table.hostname is not None:
        headers["Host"] = table.hostname
    login = of_credentials(credentials_for(url.host or "", settings.credentials))
    if login is not None:
        headers["Authorization"] = login
    response = await client.upgrade(url, headers)
    record.sample(signals.STATUS, response.status)
    record.sample(signals.HANDSHAKE, sum(client.timing.phases.values()))
    if response.status != 101:
        message = f"{url.host_port_subcomponent} answers the handshake with {response.status}"
        raise status_error(response.status, message, phase="handshake", credential=bool(login))
    try:
        return WebSocket(response, accepted(response, key, settings.subprotocols))
    except ProtocolViolation as error:
        message = f"{url.host_port_subcomponent} {error.detail}"
        raise CheckFailed(Cause.PROTOCOL_ERROR, message, phase="handshake") from None


async def _exchange(socket: WebSocket, settings: WebSocketProbe, record: Recorder) -> None:
    if settings.send:
        with record.phase("send"):
            await socket.send(settings.send)
    if settings.expect is not None:
        with record.phase("expect"):
            await _expect(socket, settings.expect, record)


async def _expect(socket: WebSocket, pattern: RegularExpression, record: Recorder) -> None:
    while (message := await socket.receive()) is not None:
        data = message.data
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        if pattern.search(text):
            record.sample(signals.FAILED_REGEX, 0)
            return
        record.sample(signals.FAILED_REGEX, 1)
    message_ = "the server closed before a message that matches the expected expression"
    raise CheckFailed(Cause.CONNECTION_CLOSED, message_)


def _load() -> None:
    import probe.net.http  # noqa: F401


KIND = prober(
    "websocket",
    run,
    "the opening handshake of a WebSocket, a message there and one back",
    (
        *signals.ADDRESS_SIGNALS,
        *signals.TLS_SIGNALS,
        signals.STATUS,
        signals.HANDSHAKE,
        signals.FAILED_REGEX,
    ),
    _load,
)
