"""``python -m tests.hostile.dns.run``: names whose server is hostile, next to a healthy one.

Runs where 127.0.0.1 is the resolver and loopback the whole network; prints each name's status,
cause, seconds, and the neighbours' failures as JSON.
"""

import asyncio
import contextlib
import json
import resource
import struct
import sys
import time
from typing import cast

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result, Status
from probe.core.runner import run_check
from probe.kinds import KINDS
from tests.hostile.checks import HEALTHY
from tests.hostile.dns.answers import ANSWERS, Query, over_udp
from tests.hostile.servers import http, serving

DEADLINE = 8.0


class _Udp(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        for each in over_udp(Query.of(data)):
            self._transport.sendto(each, sender)


async def _tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            (length,) = struct.unpack(">H", await reader.readexactly(2))
            query = Query.of(await reader.readexactly(length))
            if query.label == "truncated":
                # As long as it is asked, and never an answer.
                while True:
                    writer.write(b"\xff")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            answer = ANSWERS[query.label](query)[:65535]
            writer.write(struct.pack(">H", len(answer)) + answer)
            await writer.drain()


def _check(name: str, host: str, port: int) -> Check:
    kind = next(each for each in KINDS if each.name == "http")
    keys = {"name": name, "url": f"http://{host}:{port}", "body": "health", "deadline": DEADLINE}
    return Check(kind, kind.table.model_validate(keys))


async def _neighbours(port: int, context: Context, done: asyncio.Event) -> list[str]:
    """How often healthy checks failed, by name and by address."""
    failed = []
    while not done.is_set():
        for host in ("127.0.0.1", "good.test"):
            result = await run_check(_check("healthy", host, port), context)
            failed += [] if result.status is Status.OK else [f"{host}: {_cause(result)}"]
        await asyncio.sleep(0.05)
    return failed


def _cause(result: Result) -> str:
    return result.failure.cause.value if result.failure else ""


async def main() -> None:
    """Ask for each name."""
    loop, context, done = asyncio.get_running_loop(), Context(), asyncio.Event()
    await loop.create_datagram_endpoint(_Udp, local_addr=("127.0.0.1", 53))
    await asyncio.start_server(_tcp, "127.0.0.1", 53)
    async with serving(http(HEALTHY)) as port:
        beside = asyncio.create_task(_neighbours(port, context, done))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = {}
        for name in ANSWERS:
            began = time.monotonic()
            result = await run_check(_check(name, f"{name}.test", port), context)
            seconds = time.monotonic() - began
            message = result.failure.message if result.failure else ""
            found[name] = [result.status.value, _cause(result), seconds, message]
        done.set()
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        json.dump({"names": found, "failed": await beside, "kilobytes": more}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
