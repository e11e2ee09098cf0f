"""A server that answers by path, and by whether a cookie is sent."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

HOST = "127.0.0.1"
WITH_COOKIE = " with a cookie"
"""Behind a path: the answer to a request that has one."""


@asynccontextmanager
async def serving(answers: Mapping[str, bytes]) -> AsyncIterator[str]:
    """Its origin; ``*`` is every other path."""
    open_: set[asyncio.StreamWriter] = set()
    server = await asyncio.start_server(partial(_serve, answers, open_), HOST, 0)
    async with server:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
        # Chromium opens some in advance.
        for writer in {*open_}:
            writer.close()


async def _serve(
    answers: Mapping[str, bytes],
    open_: set[asyncio.StreamWriter],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    open_.add(writer)
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode("latin-1")
        if b"\r\ncookie:" in head.lower() and path + WITH_COOKIE in answers:
            path += WITH_COOKIE
        origin = head.lower().partition(b"\r\nhost: ")[2].partition(b"\r\n")[0]
        answer = answers.get(path, answers["*"])
        writer.write(answer.replace(b"<SELF>", b"http://" + origin))
        await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        open_.discard(writer)
        writer.close()
