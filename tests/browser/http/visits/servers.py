"""Servers that send what a row says, answer by answer, on connections that they keep."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from cryptography import x509
from msgspec import Struct

from tests.browser.http.self_signed import self_signed

HOST = "127.0.0.1"
HOSTS = 200
"""Rows that may have a name of their own."""
_ICON = b"/favicon.ico"
_LATE_SECONDS = 0.5


class Server(Struct, frozen=True):
    """``connections`` are the answers on each connection that is used, one for each request; the
    last connection's stand for all that follow. ``RESET`` ends it, as the end of the answers does,
    also behind a part of an answer (``|RESET``); ``|LATE|`` is a pause within one. ``<0>`` and
    ``<1>`` are the servers' addresses, ``<HOST>`` the row's own name."""

    connections: Sequence[Sequence[str]]
    tls: bool = False


def certificate(folder: Path) -> Path:
    """A self-signed certificate for the names of all rows, with its key, in one file."""
    names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(HOST))]
    for number in range(HOSTS):
        names += [x509.DNSName(host_of(number)), x509.DNSName(f"a.{host_of(number)}")]
    return self_signed(folder / "visits.pem", "probe test", names)


def host_of(number: int) -> str:
    """The name of a row: what a browser remembers of it binds no other one."""
    return f"r{number}.shop.test"


@asynccontextmanager
async def serving(
    servers: Sequence[Server], start: str, number: int, folder: Path
) -> AsyncIterator[str]:
    """The address at which the visit begins."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(folder))
    words = {"<HOST>": host_of(number)}
    async with AsyncExitStack() as stack:
        for at, server in enumerate(servers):
            behave = partial(_serve, _Script(server, words))
            found = await asyncio.start_server(behave, HOST, 0, ssl=tls if server.tls else None)
            await stack.enter_async_context(found)
            words[f"<{at}>"] = str(found.sockets[0].getsockname()[1])
        yield _filled(start, words)


class _Script:
    def __init__(self, server: Server, words: dict[str, str]) -> None:
        self._left = [list(each) for each in server.connections]
        self._words = words

    def connection(self) -> list[bytes]:
        """The answers of the next one."""
        found = self._left.pop(0) if len(self._left) > 1 else list(self._left[0])
        return [_filled(each, self._words).encode("latin-1") for each in found]


async def _serve(
    script: _Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    answers: list[bytes] | None = None
    try:
        while answers is None or answers:
            head = await reader.readuntil(b"\r\n\r\n")
            if _ICON in head.partition(b"\r\n")[0]:
                break
            # One that was opened in advance, and is not used, counts for nothing.
            answers = script.connection() if answers is None else answers
            for piece in (answers.pop(0) if answers else b"RESET").split(b"|"):
                if piece == b"RESET":
                    writer.transport.abort()
                    return
                if piece == b"LATE":
                    await asyncio.sleep(_LATE_SECONDS)
                else:
                    writer.write(piece)
                    await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        writer.close()


def _filled(text: str, words: dict[str, str]) -> str:
    for name, value in words.items():
        text = text.replace(name, value)
    return text
