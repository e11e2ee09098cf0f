"""What the odd PostgreSQL and Redis servers have in common: rows, and the reference clients."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from msgspec import Struct

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.runner import run_check
from tests import requirements

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = "ok"


class OddStore(Struct, frozen=True):
    """``url`` has ``{port}`` in it; ``client`` is whether the reference client is content, and
    ``probe`` the cause, or ``ok``."""

    name: str
    serve: Callable[[], Handler]
    client: bool
    probe: str
    why: str = ""
    url: str = ""


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server for which ``handler`` speaks, over TLS if it is given."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client has left
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.wait(tasks, timeout=5) if tasks else None


async def verdict(check: Check) -> str:
    """The cause of its failure, or ``ok``."""
    context = Context()
    result = await run_check(check, context)
    await context.closing.drain(timeout=2)
    return result.failure.cause.value if result.failure else OK


async def run_client(program: str, *arguments: str, part: str) -> tuple[int | None, str]:
    """Exit code (None: it hung) and what it printed."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    process = await asyncio.create_subprocess_exec(
        requirements.program(program, part=part),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=plain,
    )
    try:
        async with asyncio.timeout(20):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None, ""
    return process.returncode, out.decode("utf-8", "replace")


def row(store: OddStore) -> str:
    """The line of the table in docs/stores.md."""
    client = "connects" if store.client else "fails"
    probe = store.probe if store.probe == OK else f"`{store.probe}`"
    return f"| {store.name} | {client} | {probe} | {store.why} |"
