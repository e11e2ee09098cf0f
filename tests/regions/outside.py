"""What the members watch and whom they notify: HTTP servers that fail for chosen members, and
receivers that write down what they accept."""

import asyncio
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from tests.regions.network import RECEIVERS, TARGET
from tests.servers.receivers.alertmanager_api import listed

EVERYBODY = frozenset({"*"})
ANSWERS = {"pd": (202, b'{"status":"success","dedup_key":"k"}'), "slack": (200, b"ok")}


class Accepted(Struct, frozen=True):
    """A document that a receiver accepted: when, from which address, by which receiver."""

    at: float
    source: str
    receiver: str
    document: Any


@dataclass
class Story:
    """What a pager made of the events of one key: when it was opened and closed."""

    opened: list[float] = field(default_factory=list)
    closed: list[float] = field(default_factory=list)
    is_open: bool = False

    def take(self, at: float, action: str) -> None:
        """One event."""
        if action == "trigger" and not self.is_open:
            self.opened.append(at)
        elif action == "resolve" and self.is_open:
            self.closed.append(at)
        self.is_open = action == "trigger"


class Outside:
    """Targets by host name (``*`` for all), and receivers. ``down`` has the addresses for which
    a host fails, ``refusing`` the receivers that answer 503. Times are ``time.monotonic``."""

    def __init__(self) -> None:
        self.down: dict[str, frozenset[str]] = {}
        self.refusing: set[str] = set()
        self.accepted: list[Accepted] = []
        self.changed = asyncio.Event()
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        for serve, host, port in ((self._target, TARGET, 80), (self._receiver, RECEIVERS, 9000)):
            self._servers.append(await asyncio.start_server(serve, host, port))
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()

    def fail(self, host: str, addresses: Iterable[str] = EVERYBODY) -> None:
        """A host fails for these members from now on."""
        self.down[host] = frozenset(addresses)

    def recover(self, host: str) -> None:
        """A host works again for everyone."""
        self.down.pop(host, None)

    def pager(self, key: str) -> Story:
        """What PagerDuty made of one deduplication key."""
        story = Story()
        for each in self.of("pd"):
            if each.document["dedup_key"] == key:
                story.take(each.at, each.document["event_action"])
        return story

    def pager_keys(self) -> set[str]:
        """Keys of every incident that was ever triggered."""
        events = [each.document for each in self.of("pd")]
        return {each["dedup_key"] for each in events if each["event_action"] == "trigger"}

    def chat(self, key: str) -> list[tuple[float, str, str]]:
        """What people read of one group: when, from which address, and why it was sent."""
        return [
            (each.at, each.source, each.document["occasion"])
            for each in self.of("hook")
            if each.document["key"] == key
        ]

    def texts(self) -> list[str]:
        """First lines of all Slack messages."""
        return [str(each.document.get("text", "")) for each in self.of("slack")]

    def alertmanager(self) -> list[tuple[float, bool, dict[str, str]]]:
        """Each change of an alert at Alertmanager: when, whether it fires, and its labels."""
        firing, found = dict[str, bool](), []
        for each in self.of("am"):
            for alert in each.document:
                key = json.dumps(alert["labels"], sort_keys=True)
                # Its clock is that of this machine; the documents' times are wall-clock times.
                ends = datetime.fromisoformat(alert["endsAt"]).timestamp()
                fires = ends > time.time() - (time.monotonic() - each.at)
                if firing.get(key, False) is not fires:
                    found.append((each.at, fires, dict(alert["labels"])))
                firing[key] = fires
        return found

    def of(self, receiver: str) -> list[Accepted]:
        """What one receiver accepted, in order."""
        return [each for each in self.accepted if each.receiver == receiver]

    def _asked(self, path: str) -> Any:
        """What a receiver answers to a question: open incidents or active alerts."""
        if path.startswith("/pd/incidents"):
            keys = [key for key in sorted(self.pager_keys()) if self.pager(key).is_open]
            found = [{"incident_key": key, "status": "triggered"} for key in keys]
            return {"incidents": found, "more": False}
        if path.startswith("/am/api/v2/alerts"):
            return listed(self._active(), parse_qs(urlsplit(path).query).get("filter", []))
        return {}

    def _active(self) -> list[dict[str, Any]]:
        """The alerts that fire at Alertmanager by now."""
        last = {
            json.dumps(alert["labels"], sort_keys=True): alert
            for each in self.of("am")
            for alert in each.document
        }
        now = time.time()
        return [
            each
            for each in last.values()
            if datetime.fromisoformat(each["endsAt"]).timestamp() > now
        ]

    async def _target(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source = writer.get_extra_info("peername")[0]
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while True:
                _, headers, _ = await _request(reader)
                host = headers.get("host", "").split(":")[0]
                fails = self.down.get(host) or self.down.get("*") or frozenset()
                status = "503 No" if fails & {source, "*"} else "200 OK"
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok".encode())
                await writer.drain()
        writer.close()

    async def _receiver(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source = writer.get_extra_info("peername")[0]
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while True:
                path, _, body = await _request(reader)
                receiver = path.strip("/").split("/")[0]
                if receiver in self.refusing:
                    status, answer = 503, b"no"
                elif not body:
                    status, answer = 200, json.dumps(self._asked(path)).encode()
                else:
                    document = json.loads(body)
                    self.accepted.append(Accepted(time.monotonic(), source, receiver, document))
                    self.changed.set()
                    status, answer = ANSWERS.get(receiver, (200, b"{}"))
                date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
                head = f"HTTP/1.1 {status} X\r\nDate: {date}\r\nContent-Length: {len(answer)}"
                writer.write(head.encode() + b"\r\n\r\n" + answer)
                await writer.drain()
        writer.close()


async def _request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """Path, headers and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.split("\r\n")
    pairs = (each.partition(":") for each in rest if each)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    if "content-length" in headers:
        return line.split(" ")[1], headers, await reader.readexactly(int(headers["content-length"]))
    body = b""
    while headers.get("transfer-encoding") == "chunked":
        size = int((await reader.readline()).strip() or b"0", 16)
        body += (await reader.readexactly(size + 2))[:-2]
        if not size:
            break
    return line.split(" ")[1], headers, body
