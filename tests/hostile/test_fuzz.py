"""Every parser of what comes from outside: any bytes are read, or refused as declared.

The corpus are the answers of the table of hostile servers and well-formed ones; they are cut,
joined, and changed byte by byte. The short form takes seconds, ``make proof`` a minute.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import cast

import pytest

from alerts.cluster.protocol import read_answer, read_question
from probe.core.model import CheckAborted
from probe.paircam import credentials, health
from probe.stores import metered_account
from probe.stores.bounded_stream import BoundedStream
from probe.stores.dsn import parse_postgres
from probe.stores.postgres_protocol import PostgresSession, ServerError
from probe.stores.redis_client import Info
from probe.stores.redis_protocol import RedisSession, ReplyError
from probe.stores.scram import ScramClient, ScramError
from probe.telemetry.exposition import InvalidExposition, read_exposition
from probe.turn_targets.issuers import ISSUERS
from probe.turn_targets.issuers import client as issuer_client
from probe.turn_targets.issuers.account import Issuer
from probe.untrusted.json_document import InvalidDocument, parse_json
from tests.hostile import table

_DECLARED = (CheckAborted, InvalidDocument, InvalidExposition, ReplyError, ScramError, ServerError)
GOOD = (
    b'{"status":"ok","services":{"postgres":"up"},"uptime":1.5,"instance":{"id":"a"}}',
    b'{"accessToken":"e30.eyJleHAiOjE3MDAwMDAwMDB9.x","expiresIn":"5m"}',
    b'{"urls":["turn:a.example.org"],"username":"1700000000:d","credential":"c","ttl":3600}',
    b'[{"urls":"turn:a.example.org:80?transport=tcp","username":"u","credential":"c"}]',
    b'{"iceServers":{"urls":["turn:a:53","turns:a:443"],"username":"u","credential":"c"}}',
    b'{"ttl":"3600","ice_servers":[{"url":"turn:a","urls":"turn:a","username":"u","credential":"c"}]}',
    b'{"s":"ok","v":{"iceServers":{"urls":["turn:a:80"],"username":"u","credential":"c"}}}',
    b'{"s":"error","v":"unauthorized"}',
    b'{"username":"1700000000:d","password":"c","ttl":600,"uris":["turn:a?transport=udp"]}',
    b'{"quotaInGB":150,"usageInGB":45.1,"overageInGB":0}',
    b'# TYPE a counter\na_total{x="\\"y\\n"} 3 1700000000000\na_bucket{le="+Inf"} 1e3\n',
    b"used_memory:1000\r\nmaxmemory:0\r\ndb0:keys=1,expires=0\r\nerrorstat_OOM:count=3\r\n",
    b"$4\r\nPONG\r\n",
    b"-LOADING Redis is loading\r\n",
    table.STARTED,
    b"r=abc,s=QUFB,i=4096",
)
CORPUS = (*GOOD, *table.JSON.values(), *table.PROMETHEUS.values(), *table.TOKENS.values())


class _Unsent:
    """Takes everything and sends nothing."""

    def write(self, data: bytes) -> None:
        """Nothing."""

    async def drain(self) -> None:
        """Nothing to wait for."""


def _stream(body: bytes) -> BoundedStream:
    reader = asyncio.StreamReader(limit=1 << 14)
    reader.feed_data(body)
    reader.feed_eof()
    return BoundedStream(reader, cast(asyncio.StreamWriter, _Unsent()), "host")


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


def _health(body: bytes) -> None:
    document = health.parse(body)
    health.identify(document)
    health.check_services(document, "ok")


def _plain(parse: Callable[[bytes], object]) -> Callable[[bytes], Awaitable[None]]:
    async def run(body: bytes) -> None:
        parse(body)

    return run


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
}


def _inputs(seed: int) -> Iterator[bytes]:
    dice = random.Random(seed)
    while True:
        body = bytearray(dice.choice(CORPUS)[: dice.choice((64, 512, 4096))])
        for _ in range(dice.randrange(4)):
            _change(body, dice)
        yield bytes(body)


def _change(body: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(body) + 1)
    match dice.randrange(5):
        case 0:
            del body[at:]
        case 1:
            body[at:at] = dice.choice(CORPUS)[: dice.randrange(64)]
        case 2:
            body[at:at] = dice.choice((b"\0", b"\xff", b'"', b"\\", b"{", b"[", b"\r\n", b"9" * 40))
        case 3 if at < len(body):
            body[at] = dice.randrange(256)
        case _:
            body[at:at] = body[: dice.randrange(32)]


async def _fuzz(name: str, seconds: float, least: int) -> int:
    """Fuzz until the time is up and at least so many inputs were tried."""
    parse, until, tried = PARSERS[name], time.monotonic() + seconds, 0
    for body in _inputs(seed=tried):
        try:
            await parse(body)
        except _DECLARED:
            pass
        except Exception as error:
            raise AssertionError(f"{name} raised {error!r} for {body!r}") from error
        tried += 1
        if tried >= least and time.monotonic() >= until:
            return tried
    return tried


@pytest.mark.parametrize("name", PARSERS)
async def test_any_input_is_read_or_refused_as_declared(name: str) -> None:
    assert await _fuzz(name, 0.0, 1000 if name != "scram" else 300)


@pytest.mark.proof
@pytest.mark.parametrize("name", PARSERS)
async def test_any_input_is_read_or_refused_as_declared_for_long(name: str) -> None:
    print(f"{name}: {await _fuzz(name, 5.0, 1000)} inputs")


@pytest.mark.parametrize("parse", [read_question, read_answer])
async def test_what_other_probes_say_is_read_or_refused(parse: Callable[[bytes], object]) -> None:
    inputs = _inputs(seed=1)
    for _ in range(1000):
        try:
            parse(next(inputs))
        except ValueError:
            continue
