"""Every hostile server by name: the kind that asks it, what it does, and what may come out."""

import base64
import json
import struct
from collections.abc import Iterator

from msgspec import Struct

from probe.core.causes import Cause
from tests.hostile.flood_table import LATE
from tests.hostile.flood_table import everything as floods
from tests.hostile.servers import (
    Behaviour,
    Layer,
    OwnTls,
    http,
    pg,
    postgres,
    repeating,
    replies,
    saying,
)

GARBAGE, ODD = {Cause.PROTOCOL_ERROR}, {Cause.BODY_INVALID}
DOWN = {Cause.PROTOCOL_ERROR, Cause.SERVICE_DOWN}
FLOOD = {Cause.FLOODED, Cause.PROTOCOL_ERROR}
CLOSED = {Cause.CONNECTION_CLOSED}
SLOW = 2.0
"""Seconds of a check whose server sends a byte now and then."""
LONG = b"1" + b"0" * 400


class Hostile(Struct, frozen=True):
    """``may`` are the causes that are right; empty: it is ok as well."""

    name: str
    kind: str
    behave: Behaviour | OwnTls
    may: frozenset[Cause]
    deadline: float = 20.0
    layer: Layer = "plain"
    is_long: bool = False


AUTH_OK, READY = pg(b"R", bytes(4)), pg(b"Z", b"I")
STARTED = AUTH_OK + pg(b"S", b"server_version\x0015.4\0") + READY
_BYTES = struct.pack(">I", 10) + b"SCRAM-SHA-256\0\0"


def _scram(first: bytes) -> Behaviour:
    return postgres(pg(b"R", _BYTES), pg(b"R", struct.pack(">I", 11) + first))


def _row(*values: bytes | None) -> bytes:
    parts = [
        struct.pack(">I", 0xFFFFFFFF) if each is None else struct.pack(">I", len(each)) + each
        for each in values
    ]
    return pg(b"D", struct.pack(">H", len(values)) + b"".join(parts))


def _answer(*values: bytes | None) -> Behaviour:
    return postgres(STARTED, _row(*values) + pg(b"C", b"SELECT 1\0") + READY)


POSTGRES: dict[str, tuple[Behaviour, set[Cause]]] = {
    "http": (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), GARBAGE),
    "zeros": (postgres(bytes(64)), GARBAGE),
    "ones": (postgres(b"\xff" * 64), GARBAGE),
    "text": (postgres(b"what do you want?\r\n"), GARBAGE),
    "ssh": (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), GARBAGE),
    "smtp": (saying(b"220 mail ESMTP\r\n"), GARBAGE),
    "redis error": (saying(b"-ERR unknown command\r\n"), GARBAGE),
    "tls record for a byte": (saying(b"\x16\x03\x01\x00\x00"), GARBAGE),
    "length 0": (postgres(b"R" + bytes(4)), GARBAGE),
    "length 3": (postgres(pg(b"R", b"", 3)), GARBAGE),
    "2 GB announced": (postgres(pg(b"R", b"a" * 65536, 0x7FFFFFFF)), GARBAGE),
    "4 GB announced": (postgres(pg(b"R", b"a" * 65536, 0xFFFFFFFF)), GARBAGE),
    "a kind that is not a letter": (postgres(pg(b"\0", bytes(8))), GARBAGE),
    "an authentication without a method": (postgres(pg(b"R")), GARBAGE),
    "kerberos": (postgres(pg(b"R", struct.pack(">I", 2))), GARBAGE),
    "gss": (postgres(pg(b"R", struct.pack(">I", 7))), GARBAGE),
    "a method of the future": (postgres(pg(b"R", struct.pack(">I", 99))), GARBAGE),
    "md5 without a salt": (postgres(pg(b"R", struct.pack(">I", 5))), GARBAGE),
    "sasl without a mechanism": (postgres(pg(b"R", struct.pack(">I", 10) + b"\0")), GARBAGE),
    "scram of 2^31 iterations": (_scram(b"r=x,s=AAAA,i=2147483647"), GARBAGE),
    "scram with another nonce": (_scram(b"r=other,s=AAAA,i=4096"), GARBAGE),
    "scram without a salt": (_scram(b"i=4096"), GARBAGE),
    "scram of no iterations": (_scram(b"r=,s=AAAA,i=0"), GARBAGE),
    "scram of 400 digits": (_scram(b"r=,s=AAAA,i=" + LONG), GARBAGE),
    "scram that is not a text": (_scram(b"\xff\xfe"), GARBAGE),
    "scram final first": (postgres(pg(b"R", struct.pack(">I", 12) + b"v=AAAA")), GARBAGE),
    "parameters without an end": (repeating(pg(b"S", b"k\0" + b"v" * 900 + b"\0")), FLOOD),
    "notices without an end": (postgres(AUTH_OK + pg(b"N", b"Mx\0\0") * 40_000), FLOOD),
    "logged in, then garbage": (postgres(STARTED, b"\0" * 64), GARBAGE),
    "a row before the query": (postgres(AUTH_OK + _row(b"1")), GARBAGE),
    "a copy instead of rows": (postgres(STARTED, pg(b"G", bytes(3))), GARBAGE),
    "an empty answer": (postgres(STARTED, READY), ODD),
    "a row of one column": (_answer(b"1"), ODD),
    "a row of nulls": (_answer(*[None] * 8), ODD),
    "a row of words": (_answer(*[b"many"] * 8), ODD),
    "a row of infinities": (_answer(*[b"inf"] * 8), ODD),
    "a row of long numbers": (_answer(*[LONG] * 8), {*ODD}),
    "a maximum of 0": (_answer(*[b"0"] * 8), ODD),
    "a row that is cut off": (postgres(STARTED, pg(b"D", struct.pack(">HI", 8, 99))), GARBAGE),
    "a row of 65,535 columns": (postgres(STARTED, pg(b"D", b"\xff\xff")), GARBAGE),
    "rows without an end": (postgres(STARTED, _row(b"1" * 60_000) * 400), FLOOD),
    "an error without a code": (postgres(pg(b"E", b"Mno\0\0")), GARBAGE),
    "an error with a code of its own": (postgres(pg(b"E", b"C\x1b[31m\0Mno\0\0")), GARBAGE),
    "an error of 10,000 fields": (postgres(pg(b"E", b"Mx\0" * 9999 + b"\0")), DOWN),
    "keys without an end": (postgres(AUTH_OK + pg(b"K", bytes(8)) * 40_000), FLOOD),
    "closed at once": (saying(b""), CLOSED),
    "closed after the start-up": (postgres(AUTH_OK), CLOSED),
}

REDIS: dict[str, tuple[Behaviour, set[Cause]]] = {
    "http": (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), GARBAGE),
    "zeros": (saying(bytes(64) + b"\r\n"), GARBAGE),
    "text": (saying(b"what do you want?\r\n"), GARBAGE),
    "arrays a million deep": (saying(b"*1\r\n" * 1_000_000), GARBAGE),
    "a push of RESP3": (repeating(b">1\r\n+x\r\n"), GARBAGE),
    "ssh": (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), GARBAGE),
    "smtp": (saying(b"220 mail ESMTP\r\n"), GARBAGE),
    "an array": (saying(b"*1\r\n$4\r\nPONG\r\n"), GARBAGE),
    "nested arrays": (saying(b"*1\r\n" * 9000), GARBAGE),
    "resp3": (saying(b"%1\r\n+a\r\n+b\r\n"), GARBAGE),
    "a line without an end": (repeating(b"a"), GARBAGE),
    "an error without an end": (repeating(b"-ERR "), GARBAGE),
    "2 GB announced": (repeating(b"$2147483647\r\n" + b"a" * 65536), GARBAGE),
    "a length of 400 digits": (saying(b"$" + LONG + b"\r\n"), GARBAGE),
    "a length of words": (saying(b"$many\r\n"), GARBAGE),
    "a length below -1": (saying(b"$-2\r\n"), GARBAGE),
    "a bulk string without its end": (saying(b"$4\r\nPONGxx"), GARBAGE),
    "an empty line": (saying(b"\r\n"), GARBAGE),
    "an unknown error": (saying(b"-WHATEVER happens\r\n", then_reads=True), GARBAGE),
    "an error of control characters": (saying(b"-\x1b[31m\0\r\n", then_reads=True), GARBAGE),
    "loading": (replies(b"-LOADING Redis is loading the dataset\r\n"), {Cause.LOADING}),
    "busy": (replies(b"-BUSY Redis is busy running a script\r\n"), {Cause.BUSY}),
    "master down": (replies(b"-MASTERDOWN Link with MASTER is down\r\n"), {Cause.MASTER_DOWN}),
    "misconf": (replies(b"-MISCONF Redis is configured to save\r\n"), {Cause.MISCONF}),
    "read only": (replies(b"-READONLY You can't write\r\n"), {Cause.READ_ONLY}),
    "out of memory": (replies(b"-OOM command not allowed\r\n"), {Cause.QUOTA_EXCEEDED}),
    "an info of 80 MB": (replies(b"+PONG\r\n", b"$80000000\r\n" + b"a:1\r\n" * 20000), GARBAGE),
    "an info of nothing": (replies(b"+PONG\r\n", b"$-1\r\n"), ODD),
    "an info of one character": (replies(b"+PONG\r\n", b"$1\r\na\r\n"), ODD),
    "an info that is a number": (replies(b"+PONG\r\n", b":7\r\n"), ODD),
    "an info of words": (replies(b"+PONG\r\n", b"+used_memory:many\r\n"), ODD),
    "an info of infinity": (replies(b"+PONG\r\n", b"+used_memory:inf\r\n"), ODD),
    "an info of 401 digits": (replies(b"+PONG\r\n", b"+used_memory:" + LONG + b"\r\n"), ODD),
    "an info below 0": (replies(b"+PONG\r\n", b"+used_memory:-5\r\n"), ODD),
    "pongs without an end": (repeating(b"+PONG\r\n"), ODD),
    "closed at once": (saying(b""), CLOSED),
    "closed in the middle": (saying(b"$100\r\nabc"), CLOSED),
}

_DEEP = b"[" * 60_000
# What a JSON API may answer that is no answer: for every client of one.
JSON: dict[str, bytes] = {
    "nothing": b"",
    "html": b"<html><body>Welcome</body></html>",
    "half of it": b'{"status": "ok", "services": {',
    "a number": b"7",
    "a number of 401 digits": LONG,
    "a float beyond a double": b"1e999",
    "null": b"null",
    "a string": b'"ok"',
    "a list of numbers": b"[0]",
    "a list of lists": b"[[[]]]",
    "NaN": b"NaN",
    "Infinity in an object": b'{"data": Infinity}',
    "duplicate keys": b'{"data": 1, "data": 2}',
    "brackets 60,000 deep": _DEEP,
    "objects 30,000 deep": b'{"a":' * 30_000,
    "UTF-16": '{"status": "ok"}'.encode("utf-16"),
    "not UTF-8": b'{"status": "\xff\xfe"}',
    "control characters": b'{"status": "\x1b[31m"}',
    "an object of nulls": json.dumps(
        dict.fromkeys(("status", "services", "data", "quotaInGB", "accessToken"))
    ).encode(),
}


def _prometheus(result: object, kind: object = "vector") -> bytes:
    data = {"resultType": kind, "result": result}
    return json.dumps({"status": "success", "data": data}).encode()


PROMETHEUS: dict[str, bytes] = {
    "a value of 401 digits": b'{"status":"success","data":{"resultType":"vector","result":'
    b'[{"metric":{},"value":[1,' + LONG + b"]}]}}",
    "a result that is a number": _prometheus(7),
    "a result of numbers": _prometheus([7]),
    "a metric that is a list": _prometheus([{"metric": [], "value": [1, "1"]}]),
    "a value of one": _prometheus([{"metric": {}, "value": [1]}]),
    "a value that is an object": _prometheus([{"metric": {}, "value": {}}]),
    "a value of nulls": _prometheus([{"metric": {}, "value": [None, None]}]),
    "a kind that is a list": _prometheus([], []),
    "a matrix": _prometheus([], "matrix"),
    "a scalar that is an object": _prometheus({}, "scalar"),
    "data that is a list": b'{"status":"success","data":[]}',
}
MACHINES: dict[str, bytes] = {
    "a machine that is null": b"[null]",
    "a machine without an id": b"[{}]",
    "an id that is a number": b'[{"id":7}]',
    "an id with a slash": b'[{"id":"../apps","events":[]}]',
}
# Answers that make no sense in one place and are ok but for that.
MACHINES_OK: dict[str, bytes] = {
    "checks that are a number": b'[{"id":"a1","state":"started","events":[],"checks":7}]',
    "events of anything": b'[{"id":"a1","state":"started","events":[7,null,{"type":"exit"}]}]',
    "an exit at no time": b'[{"id":"a1","state":"stopped","events":[{"type":"exit","request":'
    b'{"exit_event":{"exited_at":1e300,"exit_code":"x"}}}]}]',
    "a state of 2,000 characters": b'[{"id":"a1","state":"' + b"x" * 2000 + b'","events":[]}]',
}
EXPOSITIONS: dict[str, bytes] = {
    "html": b"<html><body>Welcome</body></html>",
    "a line of 4 MB": b'video_chat_a{a="' + b'\\"' * 1_999_000 + b'"} 1\n',
    "a name that is a control character": b"# TYPE \x1f counter\n",
    "labels without an end": b'video_chat_a{a="b" 1\n',
    "a label without a value": b"video_chat_a{a} 1\n",
    "a label twice": b'video_chat_a{a="1",a="2"} 1\n',
    "a value of words": b"video_chat_a many\n",
    "a value of 401 digits": b"video_chat_a " + LONG + b"\n",
    "three numbers": b"video_chat_a 1 2 3\n",
    "UTF-16": "video_chat_a 1\n".encode("utf-16"),
    "lines without an end": b"a 1\n" * 110_000,
    "series without an end": b"".join(b'video_chat_a{a="%d"} 1\n' % i for i in range(20_100)),
    "quotes alone": b'"' * 10_000,
    "backslashes alone": b'video_chat_a{a="' + b"\\" * 15_000 + b"\n",
}
_SURROGATE = b'{"status": "\\ud800", "services": {"\\ud800": "down"}}'
HEALTH: dict[str, tuple[bytes, set[Cause]]] = {
    "services that are a list": (b'{"status":"ok","services":[]}', ODD),
    "a service that is a number": (b'{"status":"ok","services":{"a":7}}', ODD),
    "a status that is a list": (b'{"status":[],"services":{}}', ODD),
    "a status of control characters": (b'{"status":"\\u001b[31m\\u202e"}', {Cause.DEGRADED}),
    "a status of 300 kB": (b'{"status":"' + b"x" * 300_000 + b'"}', {*ODD, Cause.DEGRADED}),
    "40,000 services down": (
        json.dumps(
            {"status": "ok", "services": dict.fromkeys(map(str, range(40_000)), "down")}
        ).encode(),
        {Cause.SERVICE_DOWN},
    ),
    "a service of surrogates": (_SURROGATE, {Cause.SERVICE_DOWN}),
    "a service named as a command": (
        b'{"status":"ok","services":{"##[error]x":"down"}}',
        {Cause.SERVICE_DOWN},
    ),
    "an infinite uptime": (b'{"status":"ok","services":{},"uptime":' + LONG + b"}", set()),
}
_CLAIMS = base64.urlsafe_b64encode(b'{"exp":' + LONG + b"}").rstrip(b"=").decode()
_NESTED = base64.urlsafe_b64encode(_DEEP).rstrip(b"=").decode()
# The session that follows is answered with the same: it can't stand.
TOKENS: dict[str, bytes] = {
    "a lifetime of 401 digits": b'{"accessToken":"a.b.c","expiresIn":' + LONG + b"}",
    "a lifetime of nothing": b'{"accessToken":"a.b.c","expiresIn":null}',
    "a lifetime of infinity": b'{"accessToken":"a.b.c","expiresIn":"' + b"9" * 400 + b'd"}',
    "claims of 401 digits": json.dumps({"accessToken": f"e30.{_CLAIMS}.x"}).encode(),
    "claims 60,000 deep": json.dumps({"accessToken": f"e30.{_NESTED}.x"}).encode(),
    "claims that are no base64": b'{"accessToken":"e30.@@@.x"}',
    "a token of line ends": b'{"accessToken":"a\\r\\nb"}',
    "a token that is a list": b'{"accessToken":["a"]}',
}


def _of(kind: str, entries: dict[str, bytes], may: set[Cause]) -> Iterator[Hostile]:
    for name, body in entries.items():
        yield Hostile(f"{kind}: {name}", kind, http(body), frozenset(may))


def everything() -> list[Hostile]:
    """The whole table."""
    found = [
        Hostile(f"{kind}: {name}", kind, behave, frozenset(may))
        for kind, table in (("postgres", POSTGRES), ("redis", REDIS))
        for name, (behave, may) in table.items()
    ]
    for kind in ("fly-metrics", "fly-machines", "metered", "health"):
        found += _of(kind, JSON, {*ODD, Cause.BODY_TOO_LARGE, Cause.DEGRADED})
    found += _of("allocation", JSON, {*ODD, Cause.BODY_TOO_LARGE})
    found += _of("signaling", JSON, {*ODD, Cause.BODY_TOO_LARGE})
    found += _of("fly-metrics", PROMETHEUS, ODD)
    found += _of("fly-machines", MACHINES, ODD)
    found += _of("fly-machines", MACHINES_OK, set())
    found += _of("app_metrics", EXPOSITIONS, ODD)
    found += _of("signaling", TOKENS, set(Cause) - {Cause.INTERNAL_ERROR})
    found += [
        Hostile(f"health: {name}", "health", http(body), frozenset(may))
        for name, (body, may) in HEALTH.items()
    ]
    found += [
        Hostile(
            *(each.name, each.sort, each.behave, each.may, SLOW if each.may >= LATE else 20.0),
            *(each.layer, each.is_long),
        )
        for each in floods()
    ]
    return found
