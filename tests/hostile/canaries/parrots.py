"""Targets that repeat what they were asked with, and every canary, each in its protocol."""

import asyncio
import base64
import html
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote
from zlib import MAX_WBITS, decompress

from tests.hostile.canaries.secrets import Ports, secret_variables
from tests.hostile.floods import attribute, relay
from tests.hostile.servers import Behaviour, pg, serving

MODES = ("echoing", "refusing", "failing", "redirecting", "well", "down")
# Their first path segment is the name of the variable, in lower case.
RECEIVERS = {
    **{"slack_webhook": b"ok", "slack_api_url": b'{"ok":true,"channel":"C0","ts":"1.1"}'},
    **{"pagerduty_events_url": b'{"status":"success","dedup_key":"x"}', "alertmanager_urls": b""},
    **{"pagerduty_api_url": b'{"incidents":[]}', "alert_webhook_url": b"{}"},
    **{"otel_exporter_otlp_metrics_endpoint": b"", "otel_exporter_otlp_traces_endpoint": b""},
    **{"otel_exporter_otlp_endpoint": b"", "probe_heartbeat_url": b"OK", "api": b"{}"},
    **{"pushgateway": b"", "grafana_url": b""},
}
WELL = {
    "status": "ok",
    "version": "1.0.0",
    "services": {"postgres": "up", "redis": "up"},
    "instance": {"id": "a1"},
    "uptime": 100,
}


@dataclass
class Parrots:
    """``received`` is what receivers of notifications and telemetry got: name and body."""

    mode: str
    secrets: tuple[str, ...] = ()
    received: list[tuple[str, str]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _refused: set[str] = field(default_factory=set)

    def everything(self, asked: str = "") -> str:
        """All secrets and the request, in every way that frameworks repeat them."""
        text = " ".join((asked, *self.secrets))
        again = (quote(text), html.escape(text), text.encode().hex(), json.dumps(text))
        return " ".join((text, *again, base64.b64encode(text.encode()).decode()))

    def http(self) -> Behaviour:
        """HTTP on one port, receivers included."""

        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                body = await _body(reader, head)
                name = head.split(" ", 2)[1].lstrip("/").partition("/")[0].partition("?")[0]
                if name in RECEIVERS:
                    writer.write(self._receive(name, head, body))
                else:
                    writer.write(self._answer(_asked(head, body)))
                await writer.drain()

        return behave

    def _receive(self, name: str, head: str, body: bytes) -> bytes:
        packed = "content-encoding: gzip" in head.lower()
        text = decompress(body, MAX_WBITS | 16) if packed else body
        self.received.append((name, text.decode("utf-8", "replace")))
        self.news.set()
        if name not in self._refused and self.mode != "well":
            # Each says no once, in words that are all secrets.
            self._refused.add(name)
            return _response(503, self.everything(_asked(head, body))[:20_000].encode())
        status = {"pagerduty_events_url": 202}.get(name, 200)
        return _response(status, RECEIVERS[name])

    def _answer(self, asked: str) -> bytes:
        if self.mode == "well":
            return _response(200, json.dumps(WELL).encode())
        said = self.everything(asked)[:60_000]
        document = {
            "status": said[:300],
            "error": said,
            "message": said,
            "version": said[:200],
            "services": {said[:400]: "down", **dict.fromkeys(self.secrets, "down")},
            "instance": {"id": self.secrets[0]},
            "accessToken": self.secrets[-1],
        }
        status, more = {
            "echoing": (200, ""),
            "refusing": (401, ""),
            "failing": (503, ""),
            "redirecting": (302, f"Location: /{quote(self.secrets[0])}?{quote(said[:300])}\r\n"),
        }[self.mode]
        return _response(status, json.dumps(document).encode(), said[:100], more)

    def redis(self) -> Behaviour:
        """An error of every secret for each command."""

        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while asked := await reader.read(4096):
                said = self.everything(repr(asked))[:10_000]
                writer.write(f"-ERR {said}\r\n".encode())
                await writer.drain()

        return behave

    def postgres(self) -> Behaviour:
        """No TLS, then an error of every secret."""

        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(await reader.read(4096)) == 8:
                writer.write(b"N")
                await reader.read(4096)
            said = self.everything()[:10_000].encode()
            writer.write(pg(b"E", b"SERROR\0C28P01\0M" + said + b"\0\0"))
            await writer.drain()

        return behave

    def turn(self) -> Behaviour:
        """A 401 whose reason, realm and software are secrets."""
        said = self.everything().encode()
        words = attribute(9, b"\0\0\4\1" + said[:500]) + attribute(0x14, said[:120])
        return relay(b"", words + attribute(0x15, b"nonce") + attribute(0x8022, said[:500]))


@asynccontextmanager
async def parrots(mode: str) -> AsyncIterator[tuple[Parrots, Ports]]:
    """All of them; ports where nothing listens for "down", but for the receivers of messages."""
    found = Parrots(mode)
    async with (
        serving(found.http()) as http,
        serving(found.redis()) as redis,
        serving(found.postgres()) as postgres,
        serving(found.turn()) as turn,
    ):
        yield found, Ports(http, redis, postgres, turn)


def down(environment: dict[str, str]) -> dict[str, str]:
    """The same variables, where nothing listens for what is checked."""
    receivers = {name for name in secret_variables() if name.lower() in RECEIVERS}
    return {
        name: value if name in receivers or not isinstance(value, str) else _elsewhere(value)
        for name, value in environment.items()
    }


def _elsewhere(value: str) -> str:
    before, at, rest = value.rpartition("127.0.0.1:")
    return f"{before}{at}1{rest.lstrip('0123456789')}" if at else value


async def _body(reader: asyncio.StreamReader, head: str) -> bytes:
    length = head.lower().partition("content-length:")[2].split("\r\n")[0].strip()
    if length:
        return await reader.readexactly(int(length))
    if "transfer-encoding: chunked" not in head.lower():
        return b""
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body


def _asked(head: str, body: bytes) -> str:
    logins = [
        base64.b64decode(line.partition("Basic ")[2]).decode("utf-8", "replace")
        for line in head.split("\r\n")
        if line.lower().startswith("authorization: basic ")
    ]
    return " ".join((head.replace("\r\n", " "), body.decode("utf-8", "replace"), *logins))


def _response(status: int, body: bytes, reason: str = "Any", more: str = "") -> bytes:
    reason = " ".join(reason.split())
    head = f"HTTP/1.1 {status} {reason}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1", "replace") + body


def texts(received: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What each receiver got, in one text."""
    found: dict[str, str] = {}
    for name, text in received:
        found[name] = found.get(name, "") + text + "\n"
    return found
