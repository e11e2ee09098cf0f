"""Servers that answer a page of another origin as a row says, by method and path."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from cryptography import x509
from msgspec import Struct

from tests.browser.http.self_signed import self_signed

HOST = "127.0.0.1"
_NAMES = ("page.shop.test", "api.shop.test", "www.shop.test", "other.test")


class Api(Struct, frozen=True):
    """``answers`` are heads, with their bodies, by method and path; ``*`` is every other one.
    ``<0>`` and ``<1>`` are the servers' origins, ``<PAGE>`` is the page's."""

    answers: Mapping[str, str]
    host: str = HOST
    tls: bool = False


class Place(Struct, frozen=True):
    """The origin of the page, and the address that it asks."""

    page: str
    url: str


def certificate(folder: Path) -> Path:
    """A self-signed certificate for the names of all rows, with its key, in one file."""
    return self_signed(folder / "cross.pem", "probe test", [x509.DNSName(each) for each in _NAMES])


@asynccontextmanager
async def serving(
    servers: Sequence[Api], page: Api, start: str, folder: Path
) -> AsyncIterator[Place]:
    """Where everything is, while the block lasts; requests are kept in their order."""
    words: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        for name, each in (
            *((f"<{at}>", each) for at, each in enumerate(servers)),
            ("<PAGE>", page),
        ):
            found = await asyncio.start_server(
                partial(_serve, each, words), HOST, 0, ssl=_context(folder) if each.tls else None
            )
            await stack.enter_async_context(found)
            port = found.sockets[0].getsockname()[1]
            words[name] = f"http{'s' * each.tls}://{each.host}:{port}"
            words[name.replace("<", "<PORT ")] = str(port)
        yield Place(words["<PAGE>"], _filled(start, words))


def _context(folder: Path) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(folder))
    return tls


async def _serve(
    api: Api, words: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        # Unread, the body of a request would have the connection reset.
        await reader.readexactly(int(_header_in(head, "content-length", "0")))
        answer = api.answers.get(f"{method} {path}", api.answers.get("*", ""))
        origin = _header_in(head, "origin", "none")
        writer.write(_filled(answer.replace("<ECHO>", origin), words).encode("latin-1"))
        await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        writer.close()


def _header_in(head: str, wanted: str, default: str) -> str:
    lines = (line.partition(":") for line in head.split("\r\n")[1:])
    return next((value.strip() for name, _, value in lines if name.lower() == wanted), default)


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        text = text.replace(name, value)
    return text
