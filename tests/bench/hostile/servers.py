"""The hostile servers of the table, each in a process of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from tests.hostile.checks import HEALTHY
from tests.hostile.flood_table import HANDSHAKES, OVER_TLS, RELAYS, SORTS, WEB
from tests.hostile.flood_table import SOCKETS as SESSIONS
from tests.hostile.http2 import HTTP2, SILENT
from tests.hostile.native_tls import NATIVE
from tests.hostile.servers import Behaviour, Layer, OwnTls, http, serving_over
from tests.hostile.table import POSTGRES, REDIS

# Those that send without end; the table of tests has those that send one odd answer too.
STORES = {
    "postgres": [
        "rows without an end",
        "parameters without an end",
        "notices without an end",
        "keys without an end",
        "2 GB announced",
    ],
    "redis": [
        "an info of 80 MB",
        "a line without an end",
        "2 GB announced",
        "pongs without an end",
        "arrays a million deep",
        "a push of RESP3",
    ],
}


class Server(Struct, frozen=True):
    """``sort`` is that of its check; ``layer`` is below its behaviour."""

    sort: str
    behave: Behaviour | OwnTls
    layer: Layer = "plain"


def servers() -> dict[str, Server]:
    """Each hostile server by name."""
    found: dict[str, Server] = {}
    for sort, table in (("page", WEB), ("socket", SESSIONS), ("relay", RELAYS)):
        for name, (behave, _) in table.items():
            found[f"{sort}: {name}"] = Server(sort, behave)
            found[f"{sort}, TLS: {name}"] = Server(sort, behave, "TLS")
    for name, behave in HTTP2.items():
        if name not in SILENT:
            found[f"page, HTTP/2: {name}"] = Server("secure page", behave, "HTTP/2")
    for sort in OVER_TLS:
        found |= {f"{sort}: {name}": Server(sort, own, "own TLS") for name, own in NATIVE.items()}
    for sort in sorted(set(SORTS) - {"page", "socket", "relay"}):
        found |= {f"{sort}: {name}": Server(sort, each[0]) for name, each in HANDSHAKES.items()}
    for sort, table in (("postgres", POSTGRES), ("redis", REDIS)):
        found |= {f"{sort}: {name}": Server(sort, table[name][0]) for name in STORES[sort]}
    return found


async def serve(name: str, folder: Path) -> None:
    """The named server, the healthy one for an empty name; prints its port and lasts."""
    server = servers()[name] if name else Server("page", http(HEALTHY))
    async with serving_over(server.layer, server.behave, folder) as port:
        print(port, flush=True)
        await asyncio.Event().wait()


@asynccontextmanager
async def running(name: str, folder: Path) -> AsyncIterator[int]:
    """A server in a process of its own; its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.hostile", "serve", name, str(folder)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # asyncio's word for each client that has gone
    )
    try:
        assert process.stdout is not None
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()
