"""Fuzzing of every parser of what comes from outside: its inputs, and how long each may take.

The corpus are the answers of the table of hostile servers and well-formed ones; they are cut,
joined, and changed byte by byte, and now and then repeated to a megabyte.
``python -m tests.hostile.fuzzing SECONDS`` fuzzes each parser for so long and prints a table.
"""

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from alerts.cluster.protocol.messages import read_answer, read_query
from probe.call.sdp import read_candidate, read_description
from probe.core.model import CheckAborted
from probe.ice.candidate import InvalidOffer
from probe.ice.candidate import read as read_offer
from probe.net.engineio.opening import read_opening
from probe.net.engineio.socketio_packet import read_packet
from probe.net.flow.pace import MAX_SLICE
from probe.net.protocol import http1, http2
from probe.net.protocol.errors import PeerError
from probe.net.protocol.exchange import HttpResponse, Request, read_bounded
from probe.net.protocol.head import parse_head
from probe.net.protocol.stream import Stream
from probe.net.websocket.connection import WebSocket
from probe.net.websocket.permessage_deflate import PerMessageDeflate, negotiated
from probe.paircam import credentials, health
from probe.stores import metered_account
from probe.stores.bounded_stream import BoundedStream
from probe.stores.dsn import parse_postgres
from probe.stores.postgres_protocol import PostgresSession, ServerError
from probe.stores.redis_client import Info
from probe.stores.redis_protocol import RedisSession, ReplyError
from probe.stores.scram import ScramClient, ScramError
from probe.stun.message import Framer, read_channel_data, read_message
from probe.telemetry.exposition import InvalidExposition, read_exposition
from probe.turn_targets.issuers import ISSUERS
from probe.turn_targets.issuers import client as issuer_client
from probe.turn_targets.issuers.account import Issuer
from probe.untrusted.json_document import InvalidDocument, parse_json
from tests.hostile.corpus import CORPUS, GOOD, TOKENS

DECLARED = (
    *(CheckAborted, InvalidDocument, InvalidExposition, InvalidOffer),
    *(PeerError, ReplyError, ScramError, ServerError),
)
SLOWEST = 1.0
"""Seconds of CPU that an input of a megabyte may take; a smaller one is allowed no more."""
LARGE = 1 << 20


class Received:
    """A stream on which these bytes came, in the slices that the real one reads."""

    alpn = None

    def __init__(self, data: bytes) -> None:
        self.received = len(data)
        self._slices = [data[at : at + MAX_SLICE] for at in range(0, len(data), MAX_SLICE)][::-1]

    @property
    def left(self) -> int:
        """How many slices were not read."""
        return len(self._slices)

    async def read(self, *, at_once: bool = True) -> bytes:
        """The next slice; empty at the end."""
        return self._slices.pop() if self._slices else b""

    async def yield_if_busy(self) -> None:
        """Nothing."""

    async def write(self, data: bytes) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def _stream(body: bytes) -> BoundedStream:
    return BoundedStream(cast(Stream, Received(body)), "host")


async def _redis(body: bytes) -> None:
    await RedisSession(_stream(body)).command("INFO")


async def _postgres(body: bytes) -> None:
    session = PostgresSession(_stream(body))
    await session.start(parse_postgres("postgres://u:p@h/d"), "probe")
    await session.query("SELECT 1")


async def _scram(body: bytes) -> None:
    client = ScramClient("password")
    nonce = client.first.partition(b"r=")[2]
    await client.final(body.replace(b"r=", b"r=" + nonce).replace(b"i=4096", b"i=1"))


_REQUEST = Request("GET", "http", "host", "/")


async def _http1(body: bytes) -> None:
    response: HttpResponse = await http1.exchange(cast(Stream, Received(body)), _REQUEST)
    await read_bounded(response, 4 << 20)


async def _http2(body: bytes) -> None:
    response: HttpResponse = await http2.exchange(cast(Stream, Received(body)), _REQUEST)
    await read_bounded(response, 4 << 20)


SWITCHED = parse_head(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")


async def _websocket(body: bytes, compression: PerMessageDeflate | None = None) -> None:
    stream = cast(Stream, Received(body))
    socket = WebSocket(http1.Http1Response(stream, SWITCHED, b""), compression)
    while await socket.receive() is not None:
        pass


async def _compressed(body: bytes) -> None:
    await _websocket(b"\xc1" + body, PerMessageDeflate(15, resets=False))


def _stun(body: bytes) -> None:
    try:
        for frame in Framer(lambda number: number == 0x4000).feed(body):
            read_message(frame)
            read_channel_data(frame)
    except ValueError:  # as declared: something else than STUN comes
        read_message(body)


def _health(body: bytes) -> None:
    document = health.parse(body)
    health.identify(document)
    health.check_services(document, "ok")


def _plain(parse: Callable[[bytes], object]) -> Callable[[bytes], Awaitable[None]]:
    async def run(body: bytes) -> None:
        parse(body)

    return run


def _valued(parse: Callable[[bytes], object]) -> Callable[[bytes], Awaitable[None]]:
    """A parser that is declared to raise ValueError."""

    async def run(body: bytes) -> None:
        try:
            parse(body)
        except ValueError:
            return

    return run


def _described(body: bytes) -> None:
    document = parse_json(body)
    read_candidate(document)
    read_description(document, "offer")


def _of_issuer(issuer: Issuer) -> Callable[[bytes], Awaitable[None]]:
    return _plain(lambda body: issuer_client.parse(issuer, body, "host"))


PARSERS: dict[str, Callable[[bytes], Awaitable[None]]] = {
    "json": _plain(parse_json),
    "exposition": _plain(lambda body: read_exposition(body, ("a", "video_chat_"))),
    "health": _plain(_health),
    "token": _plain(lambda body: credentials.read_token(credentials.parse(body, "/"), 0.0)),
    "credentials": _plain(
        lambda body: credentials.read_credentials(credentials.parse(body, "/"), 0.0)
    ),
    **{f"{name} servers": _of_issuer(issuer) for name, issuer in ISSUERS.items()},
    "metered usage": _plain(lambda body: metered_account.parse(body, "host")),
    "redis info": _plain(lambda body: Info.of(body.decode("latin-1")).refuses_writes(None)),
    "redis": _redis,
    "postgres": _postgres,
    "scram": _scram,
    "http/1.1": _http1,
    "http/2": _http2,
    "websocket": _websocket,
    "websocket, compressed": _compressed,
    "its extensions": _plain(lambda body: negotiated([body.decode("latin-1")])),
    "engine.io opening": _plain(lambda body: read_opening(body.decode("utf-8", "replace"))),
    "socket.io packet": _plain(lambda body: read_packet(body.decode("utf-8", "replace"))),
    "stun": _plain(_stun),
    "sdp and candidate": _plain(_described),
    "offer": _valued(read_offer),
    "cluster question": _valued(read_query),
    "cluster answer": _valued(read_answer),
}


def inputs(seed: int) -> Iterator[bytes]:
    """Inputs without end; one in 2,000 is as large as a megabyte."""
    dice = random.Random(seed)
    number = 0
    while True:
        number += 1
        if number % 2000 == 0:
            yield _large(dice)
            continue
        body = bytearray(dice.choice(CORPUS)[: dice.choice((64, 512, 4096))])
        for _ in range(dice.randrange(4)):
            _change(body, dice)
        yield bytes(body)


def _large(dice: random.Random) -> bytes:
    """A beginning, then one thing again and again: what a quadratic parser can't stand."""
    start = dice.choice(CORPUS)[: dice.choice((0, 8, 64, 4096))]
    part = dice.choice((*TOKENS, *GOOD, b"a", b'\\"', b"1\r\na\r\n", b"a:1\r\n", b'{"a":'))
    part = part or b"a"
    return (start + part * (LARGE // len(part)))[:LARGE]


def _change(body: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(body) + 1)
    match dice.randrange(5):
        case 0:
            del body[at:]
        case 1:
            body[at:at] = dice.choice(CORPUS)[: dice.randrange(64)]
        case 2:
            body[at:at] = dice.choice(TOKENS)
        case 3 if at < len(body):
            body[at] = dice.randrange(256)
        case _:
            body[at:at] = body[: dice.randrange(32)]


@dataclass(slots=True)
class Outcome:
    """How many inputs were tried, and the slowest of them: CPU seconds and size in bytes."""

    tried: int = 0
    slowest: float = 0.0
    size: int = 0


async def fuzz(name: str, seconds: float, least: int, seed: int = 0) -> Outcome:
    """Fuzz until the time is up and at least so many inputs were tried.

    Raises AssertionError for an exception that isn't declared, and for an input that takes more
    than SLOWEST seconds of this thread's CPU.
    """
    parse, until, found = PARSERS[name], time.monotonic() + seconds, Outcome()
    for body in inputs(seed):
        began = time.thread_time()
        try:
            await parse(body)
        except DECLARED:
            pass
        except Exception as error:
            raise AssertionError(f"{name} raised {error!r} for {body[:4096]!r}") from error
        took = time.thread_time() - began
        if took > found.slowest:
            found.slowest, found.size = took, len(body)
        assert took < SLOWEST, f"{name} took {took:.2f} s for {len(body)} bytes: {body[:200]!r}"
        found.tried += 1
        if found.tried >= least and time.monotonic() >= until:
            break
    return found


async def main(arguments: Sequence[str]) -> None:
    """Fuzz each parser for so many seconds and print a line for each; a seed may follow."""
    seconds, seed = float(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 0
    total = 0
    print("| parser | inputs | slowest (CPU) | of bytes |\n| --- | --- | --- | --- |")
    for name in PARSERS:
        found = await fuzz(name, seconds, 1, seed)
        total += found.tried
        print(f"| {name} | {found.tried:,} | {found.slowest:.3f} s | {found.size:,} |", flush=True)
    print(f"{total:,} inputs, no exception that isn't declared")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
