"""Odd Redis servers, and what redis-cli and the probe make of each."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from tests.kinds.stores.odd_server import OK, Handler, OddStore

URL, LOGIN = "redis://127.0.0.1:{port}", "redis://u:pw@127.0.0.1:{port}"
_FIGURES = (
    b"# Server\r\nredis_version:7.2.4\r\nused_memory:1000\r\nmaxmemory:0\r\n"
    b"connected_clients:3\r\ntotal_commands_processed:5\r\nevicted_keys:0\r\n"
)
_INFO = "redis-cli sends a PING alone"


def bulk(data: bytes) -> bytes:
    """A bulk string."""
    return b"$%d\r\n%s\r\n" % (len(data), data)


_ANSWERS: Mapping[bytes, bytes] = {
    b"PING": b"+PONG\r\n",
    b"INFO": bulk(_FIGURES),
    b"AUTH": b"+OK\r\n",
    b"SELECT": b"+OK\r\n",
}


def redis(
    greeting: bytes | None = None, pieces: int = 0, **answers: bytes
) -> Callable[[], Handler]:
    """A server with these answers; with a ``greeting`` it says that and closes."""
    given = {name.upper().encode(): answer for name, answer in answers.items()}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while greeting is None:
            words = []
            for _ in range(int((await reader.readuntil(b"\r\n"))[1:])):
                length = int((await reader.readuntil(b"\r\n"))[1:])
                words.append((await reader.readexactly(length + 2))[:-2])
            known = {**_ANSWERS, **given}
            data = known.get(words[0].upper(), b"-ERR unknown command\r\n")
            if not data:
                return
            step = pieces or len(data)
            for at in range(0, len(data), step):
                writer.write(data[at : at + step])
                await asyncio.sleep(0)
        writer.write(greeting)

    return lambda: handle


def _fine(name: str, url: str = URL, **answers: bytes) -> OddStore:
    return OddStore(name, redis(None, 0, **answers), client=True, probe=OK, url=url)


def _says(error: str, probe: str) -> OddStore:
    server = redis(ping=f"-{error}\r\n".encode())
    return OddStore(f"PING: {error}", server, client=False, probe=probe, url=URL)


def _refuses(error: str, probe: str) -> OddStore:
    server = redis(auth=f"-{error}\r\n".encode())
    return OddStore(f"AUTH: {error}", server, client=False, probe=probe, url=LOGIN)


def _greets(name: str, greeting: bytes, probe: str) -> OddStore:
    return OddStore(name, redis(greeting), client=False, probe=probe, url=URL)


def _lacks(name: str, probe: str, info: bytes) -> OddStore:
    """INFO is answered like this, and PING well."""
    return OddStore(name, redis(info=info), client=True, probe=probe, why=_INFO, url=URL)


_AUTH, _QUOTA, _BROKEN, _NOTHING = (
    "auth_rejected", "quota_exceeded", "protocol_error", "body_invalid"
)  # fmt: skip
ODD_REDIS: Sequence[OddStore] = (
    _fine("as RESP2 says"),
    _fine("a database", f"{URL}/3"),
    _fine("a user", LOGIN),
    _fine("PONG as a bulk string", ping=bulk(b"PONG")),
    _fine("INFO with bare line feeds", info=bulk(_FIGURES.replace(b"\r\n", b"\n"))),
    OddStore("all in pieces of 7 bytes", redis(pieces=7), client=True, probe=OK, url=URL),
    _says("NOAUTH Authentication required.", _AUTH),
    _says("NOPERM this user has no permissions to run the 'ping' command", _AUTH),
    _says("LOADING Redis is loading the dataset in memory", "loading"),
    _says("BUSY Redis is busy running a script.", "busy"),
    _says("MASTERDOWN Link with MASTER is down", "master_down"),
    _says("MISCONF Redis is configured to save RDB snapshots", "misconf"),
    _says("READONLY You can't write against a read only replica.", "read_only"),
    _says("CLUSTERDOWN The cluster is down", "service_down"),
    _says("MOVED 3999 127.0.0.1:6381", _BROKEN),
    _says("ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.", _QUOTA),
    _says("OOM command not allowed when used memory > 'maxmemory'.", _QUOTA),
    _says("ERR unknown command 'PING'", _BROKEN),
    _refuses("WRONGPASS invalid username-password pair or user is disabled.", _AUTH),
    _refuses("ERR invalid password", _AUTH),
    _refuses("ERR Client sent AUTH, but no password is set", _AUTH),
    _refuses("ERR AUTH <password> called without any password configured", _AUTH),
    _refuses("LOADING Redis is loading the dataset in memory", "loading"),
    OddStore(
        "SELECT: ERR DB index is out of range",
        redis(select=b"-ERR DB index is out of range\r\n"),
        client=False,
        probe=_BROKEN,
        url=f"{URL}/99",
    ),
    _greets("greets: max number of clients", b"-ERR max number of clients reached\r\n", _QUOTA),
    _greets("greets: Upstash's limit", b"-ERR max concurrent connections exceeded\r\n", _QUOTA),
    _greets("greets: protected mode", b"-DENIED Redis is running in protected mode\r\n", _AUTH),
    _greets("greets: the end", b"", "connection_closed"),
    _greets("greets: HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n", _BROKEN),
    _greets("greets: SSH", b"SSH-2.0-x\r\n", _BROKEN),
    OddStore("PING: the end", redis(ping=b""), client=False, probe="connection_closed", url=URL),
    _lacks("INFO: ERR unknown command", _NOTHING, b"-ERR unknown command 'INFO'\r\n"),
    _lacks("INFO: NOPERM", _AUTH, b"-NOPERM no permissions to run the 'info' command\r\n"),
    _lacks("INFO: null", _NOTHING, b"$-1\r\n"),
    _lacks("INFO without memory", _NOTHING, bulk(b"redis_version:7.2.4\r\n")),
)
