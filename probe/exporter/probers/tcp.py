"""``tcp``: a connection, TLS on it, and a dialogue of lines."""

import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.model import CheckFailed
from probe.core.recorder import Recorder
from probe.exporter.modules.other import QueryResponse, TcpProbe
from probe.exporter.modules.pattern import FoundText, RegularExpression
from probe.exporter.probers import signals
from probe.exporter.probers.connection import Connector, addresses_of, write_address, write_tls
from probe.exporter.probers.table import ProbeTable, prober
from probe.exporter.probers.target import split_hostport
from probe.net.protocol.errors import PeerError
from probe.net.protocol.stream import Stream
from probe.net.protocol.translation import translate
from probe.net.tls.observer import TlsObserver
from probe.untrusted.text import is_decimal

MAX_LINE = 1 << 16
MAX_BYTES = 1 << 20


async def run(table: ProbeTable, record: Recorder, context: Context) -> None:
    """Connect, shake hands where the module wants TLS, then expect and send."""
    settings = table.module.tcp
    host, port = split_hostport(table.address.get_secret_value())
    connector = Connector(settings, settings.tls_config, table.ca_file, server_name=table.hostname)
    record.sample(signals.FAILED_REGEX, 0)
    record.sample(signals.LOOKUP, 0)
    try:
        async with _translated(host, port, record) as observer:
            sock = await _connect(host, port, settings, connector, record)
            dialogue = Dialogue(Stream(sock), record)
            try:
                if settings.tls:
                    await dialogue.start_tls(connector, host, observer)
                for step in settings.query_response:
                    await dialogue.step(step, connector, host, observer)
            finally:
                dialogue.close()
    finally:
        write_address(connector.ip, record)
        write_tls(connector, record)


async def _connect(
    host: str, port: int, settings: TcpProbe, connector: Connector, record: Recorder
) -> socket.socket:
    with record.phase("resolve"):
        found = await addresses_of(host, port, settings)
    record.sample(signals.LOOKUP, record.phases["resolve"])
    with record.phase("connect"):
        return await connector.dial(found)


@asynccontextmanager
async def _translated(host: str, port: int, record: Recorder) -> AsyncIterator[TlsObserver]:
    """Errors of the connection leave as CheckAborted, with the phase that is under way."""
    observer = TlsObserver()
    try:
        yield observer
    except (PeerError, OSError) as error:
        aborted = translate(error, f"{host}:{port}", observer)
        if aborted is None:
            raise
        raise aborted from None
    finally:
        record.facts.update(observer.facts)


class Dialogue:
    """A conversation in lines on one connection."""

    def __init__(self, stream: Stream, record: Recorder) -> None:
        self._stream, self._record = stream, record
        self._is_open = True
        self._pending = b""
        self._read_bytes = 0
        self._match: FoundText | None = None

    async def start_tls(self, connector: Connector, host: str, observer: TlsObserver) -> None:
        """TLS from here on. Raises OSError."""
        with self._record.phase("tls"):
            self._is_open = False  # what fails to shake hands is closed by then
            self._stream = await connector.secure(self._stream.hand_over(), host, (), observer)
            self._is_open = True

    def close(self) -> None:
        """End the connection."""
        if self._is_open:
            self._stream.close()

    async def step(
        self, step: QueryResponse, connector: Connector, host: str, observer: TlsObserver
    ) -> None:
        """Expect, send, STARTTLS. Raises CheckFailed, OSError."""
        if step.expect is not None:
            with self._record.phase("expect"):
                await self._expect(step.expect)
        if step.send:
            with self._record.phase("send"):
                await self._stream.write(f"{self._expanded(step.send)}\n".encode())
        if step.starttls:
            await self.start_tls(connector, host, observer)

    async def _expect(self, pattern: RegularExpression) -> None:
        """Read lines until one matches."""
        while True:
            line = await self._line()
            if line is None:
                self._record.sample(signals.FAILED_REGEX, 1)
                message = "the connection ended before a line that matches the expected expression"
                raise CheckFailed(Cause.BODY_INVALID, message)
            self._match = pattern.search(line)
            if self._match is not None:
                self._record.sample(signals.FAILED_REGEX, 0)
                return
            # Until another line comes, the one that did come is what failed.
            self._record.sample(signals.FAILED_REGEX, 1)

    async def _line(self) -> str | None:
        while b"\n" not in self._pending:
            data = await self._stream.read()
            self._read_bytes += len(data)
            if self._read_bytes > MAX_BYTES or len(self._pending) > MAX_LINE:
                raise CheckFailed(Cause.FLOODED, "it sends more than a dialogue needs")
            if not data:
                line, self._pending = self._pending, b""
                return line.decode("utf-8", "replace") if line else None
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("utf-8", "replace").rstrip("\r")

    def _expanded(self, text: str) -> str:
        """``${1}`` and ``$1`` of the last match, as in Go's Expand."""

        def group(found: re.Match[str]) -> str:
            name: str | int = found[1] or found[2]
            name = int(name) if is_decimal(str(name)) else name
            try:
                return self._match[name] or "" if self._match is not None else ""
            except IndexError:
                return ""

        return re.sub(r"\$(?:\{(\w+)\}|(\w+))", group, text).replace("$$", "$")


def _load() -> None:
    import probe.net.protocol.connect  # noqa: F401


KIND = prober(
    "tcp",
    run,
    "a TCP connection, TLS on it, and a dialogue of lines",
    (*signals.ADDRESS_SIGNALS, *signals.TLS_SIGNALS, signals.FAILED_REGEX),
    _load,
)
