"""A TLS server that chooses whatever a row says, also what was not offered.

With pyOpenSSL in a thread: Python's ssl module chooses among what both sides name.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct
from OpenSSL import SSL

from tests.browser.http.tls_servers import certificate
from tests.hostile.http2 import DATA, END_HEADERS, END_STREAM, HEADERS, OK, frame, settings

HTTP1 = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
_H2_OPENING = settings()
_PREFACE, _CLIENTS_SECONDS = b"PRI * HTTP/2.0", 10.0


class Choice(Struct, frozen=True):
    """``chosen`` by ALPN, None for nothing. ``speaks``: ``h1``, ``h2``, or what the client does;
    ``at_once`` sends the beginning of HTTP/2 before the client has said anything."""

    chosen: str | None
    speaks: str
    version: str = "1.3"
    at_once: bool = True


@asynccontextmanager
async def serving(choice: Choice, folder: Path) -> AsyncIterator[str]:
    """Its address."""
    file = str(certificate(folder, "p-256"))
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    version = SSL.TLS1_2_VERSION if choice.version == "1.2" else SSL.TLS1_3_VERSION
    context.set_min_proto_version(version)
    context.set_max_proto_version(version)
    context.use_certificate_file(file)
    context.use_privatekey_file(file)
    chosen = SSL.NO_OVERLAPPING_PROTOCOLS if choice.chosen is None else choice.chosen.encode()
    context.set_alpn_select_callback(lambda *_: chosen)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_accept, args=(listening, context, choice), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        await asyncio.to_thread(thread.join)
        listening.close()


def _accept(listening: socket.socket, context: SSL.Context, choice: Choice) -> None:
    while True:
        try:
            connected, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(connected, context, choice), daemon=True).start()


def _serve(connected: socket.socket, context: SSL.Context, choice: Choice) -> None:
    connected.settimeout(_CLIENTS_SECONDS)
    connected.setblocking(True)
    with contextlib.suppress(SSL.Error, OSError), contextlib.closing(connected):
        tls = SSL.Connection(context, connected)
        tls.set_accept_state()
        tls.do_handshake()
        _answer(tls, choice)
        tls.shutdown()


def _answer(tls: SSL.Connection, choice: Choice) -> None:
    if choice.speaks == "h2" and choice.at_once:
        tls.sendall(_H2_OPENING)
    heard = tls.recv(65_536)
    speaks = choice.speaks
    if speaks == "the client's":
        speaks = "h2" if heard.startswith(_PREFACE) else "h1"
    if speaks == "h1":
        tls.sendall(HTTP1)
        return
    if not choice.at_once or choice.speaks != "h2":
        tls.sendall(_H2_OPENING)
    while not _asks(heard):
        heard += tls.recv(65_536)
    head = frame(HEADERS, OK, END_HEADERS, 1)
    tls.sendall(head + frame(DATA, b"hello", END_STREAM, 1))
    tls.recv(65_536)


def _asks(heard: bytes) -> bool:
    """Whether the request of HTTP/2 has come."""
    at = len(_PREFACE) + len(b"\r\n\r\nSM\r\n\r\n")
    while at + 9 <= len(heard):
        if heard[at + 3] == HEADERS:
            return True
        at += 9 + int.from_bytes(heard[at : at + 3], "big")
    return False
