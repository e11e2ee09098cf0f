"""``localhost`` with one port in both families, each of which behaves in a manner of its own."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from cryptography import x509

from tests.browser.http.self_signed import self_signed

PAGE, REFUSES, SILENT = "a page", "no listener", "silence"
NO_TLS, STRANGER, NO_HANDSHAKE = "no TLS", "an unknown certificate", "silence instead of TLS"
_FAMILIES = ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1"))
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
_LATE_SECONDS = 1.0
ANSWERS = {
    PAGE: _OK,
    "500": b"HTTP/1.1 500 F\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "404": b"HTTP/1.1 404 N\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "421": b"HTTP/1.1 421 M\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "garbage": b"\x00\x01\x02garbage",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
}


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate of ``localhost`` with its key, in one file."""
    here = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return self_signed(folder / f"{name}.pem", name, here)


@asynccontextmanager
async def two_families(manners: tuple[str, str], folder: Path, *, tls: bool) -> AsyncIterator[str]:
    """The address of ``localhost``; ``manners`` are those of IPv6 and of IPv4."""
    sockets = _one_port()
    port = sockets[0].getsockname()[1]
    async with AsyncExitStack() as stack:
        for sock, manner in zip(sockets, manners, strict=True):
            stack.callback(sock.close)
            await _behave(sock, manner, stack, _context(folder, manner) if tls else None)
        yield f"{'https' if tls else 'http'}://localhost:{port}/"


async def _behave(
    sock: socket.socket, manner: str, stack: AsyncExitStack, tls: ssl.SSLContext | None
) -> None:
    if manner == REFUSES:
        sock.close()
    elif manner == SILENT:
        # Its queue is full: what comes next is dropped.
        sock.listen(0)
        for _ in range(2):
            client = socket.socket(sock.family)
            stack.callback(client.close)
            client.setblocking(False)
            client.connect_ex(sock.getsockname())
    else:
        serve = partial(_serve, manner)
        server = await asyncio.start_server(serve, sock=sock, ssl=tls)
        stack.callback(server.close)


def _one_port() -> list[socket.socket]:
    """Bound in both families."""
    while True:
        sockets = [socket.socket(family) for family, _ in _FAMILIES]
        sockets[0].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            sockets[0].bind((_FAMILIES[0][1], 0))
            sockets[1].bind((_FAMILIES[1][1], sockets[0].getsockname()[1]))
        except OSError:
            for each in sockets:
                each.close()
        else:
            return sockets


def _context(folder: Path, manner: str) -> ssl.SSLContext | None:
    if manner in (NO_TLS, NO_HANDSHAKE):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    name = "stranger" if manner == STRANGER else "localhost"
    context.load_cert_chain(certificate(folder, name))
    return context


async def _serve(manner: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        if manner == NO_HANDSHAKE:
            await reader.read()
            return
        if manner in ("an end at once", "a reset at once"):
            if manner.startswith("a reset"):
                writer.transport.abort()
            return
        await reader.readuntil(b"\n")
        if manner == "a page, late":
            await asyncio.sleep(_LATE_SECONDS)
        writer.write(ANSWERS.get(manner, b"" if manner == "an end" else _OK))
        await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        writer.close()
