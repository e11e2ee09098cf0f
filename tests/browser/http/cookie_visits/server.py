"""A server for each hop of a visit, under names of its own."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from cryptography import x509
from msgspec import Struct

from tests.browser.http.self_signed import self_signed

HERE = "127.0.0.1"
NAMES = (
    *("shop.test", "*.shop.test", "*.a.shop.test", "other.test", "shop.co.uk", "else.co.uk"),
    *(
        "*.shop.co.uk",
        "*.vercel.app",
        "*.fly.dev",
        "localhost",
        "a.localhost",
        "b.localhost",
        "*.a.localhost",
    ),
)
_WANTED = "k=v"


class Hop(Struct, frozen=True):
    """Where a visit comes by, and what that sets before it leads on; ``http`` is plain."""

    host: str
    cookies: Sequence[str] = ()
    path: str = "/"
    http: bool = False


def certificate(folder: Path) -> Path:
    """A self-signed certificate for all names, with its key, in one file."""
    return self_signed(folder / "cookies.pem", "probe test", [x509.DNSName(each) for each in NAMES])


@asynccontextmanager
async def serving(hops: Sequence[Hop], folder: Path) -> AsyncIterator[str]:
    """Where the visit begins. The last hop answers 200 where the cookie arrives, else 404."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(folder))
    addresses: list[str] = []
    async with AsyncExitStack() as stack:
        for at, hop in enumerate(hops):
            serve = partial(_serve, hop, at, addresses, len(hops) - 1)
            found = await asyncio.start_server(serve, HERE, 0, ssl=None if hop.http else tls)
            await stack.enter_async_context(found)
            port = found.sockets[0].getsockname()[1]
            addresses.append(f"http{'' if hop.http else 's'}://{hop.host}:{port}{hop.path}")
        yield addresses[0]


async def _serve(
    hop: Hop,
    at: int,
    addresses: Sequence[str],
    last: int,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        writer.write(_answer(hop, at, addresses, last, head).encode("latin-1"))
        await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        writer.close()


def _answer(hop: Hop, at: int, addresses: Sequence[str], last: int, head: str) -> str:
    if at == last:
        lines = (line.partition(": ") for line in head.split("\r\n"))
        sent = next((value for name, _, value in lines if name.lower() == "cookie"), "")
        status = "200 S" if _WANTED in sent.split("; ") else "404 S"
        headers = ["Content-Length: 2"]
    else:
        status = "302 S"
        headers = [f"Location: {addresses[at + 1]}", "Content-Length: 2"]
        headers += [f"Set-Cookie: {each}" for each in hop.cookies]
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Connection: close", "", "ok"])
