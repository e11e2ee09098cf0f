"""A page and the backend that it connects to, at the usual ports of any name."""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from cryptography import x509

from tests.browser.http.self_signed import self_signed

HOST = "127.0.0.1"
SECURE_PORTS, PLAIN_PORTS = (443, 8443), (80, 8080)
PUBLIC, NOT_SECURE = "page.example.com", "plain.example.com"
"""Names that Chromium takes for public ones, which it asks by TLS first; one has none."""
_NAMES = ("page.shop.test", PUBLIC, "localhost")
_SCRIPT = Path(__file__).with_name("app.js").read_bytes()
_WEBSOCKET_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Site:
    """``page`` is what ``/`` answers."""

    def __init__(self) -> None:
        self.page = b""
        self.secure = self.plain = 0
        self.open: set[asyncio.StreamWriter] = set()

    def port(self, host: str, port: int) -> int:
        """Where on this machine a port of a name is."""
        if host == NOT_SECURE and port in SECURE_PORTS:
            return 9
        ports = {
            **dict.fromkeys(SECURE_PORTS, self.secure),
            **dict.fromkeys(PLAIN_PORTS, self.plain),
        }
        return ports.get(port, port)

    def filled(self, text: str) -> str:
        """The text with the port of this machine."""
        return text.replace("<PLAIN>", f"{self.plain}").replace("&lt;PLAIN&gt;", f"{self.plain}")

    @property
    def rules(self) -> Sequence[str]:
        """The same as Chromium takes it."""
        places = [(f"{NOT_SECURE}:{port}", 9) for port in SECURE_PORTS]
        places += [
            (f"{names}:{port}", self.port("", port))
            for names in ("*.test", "*.example.com")
            for port in (*SECURE_PORTS, *PLAIN_PORTS)
        ]
        return [f"MAP {place} {HOST}:{port}" for place, port in places]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        self.open.add(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            writer.write(self._answer(head))
            await writer.drain()
            if "\r\nsec-websocket-key:" in head.lower():
                await reader.read(1)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()

    def _answer(self, head: str) -> bytes:
        path = head.split(" ")[1]
        lines = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
        }
        if key := lines.get("sec-websocket-key"):
            digest = hashlib.sha1(f"{key}{_WEBSOCKET_KEY}".encode()).digest()
            accepted = base64.b64encode(digest).decode()
            text = "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            return f"{text}Sec-WebSocket-Accept: {accepted}\r\n\r\n".encode()
        if path == "/app.js":
            return answer(_SCRIPT, "Content-Type: text/javascript")
        if path == "/":
            return self.page
        return answer(b"{}", "Content-Type: application/json", "Access-Control-Allow-Origin: *")


def answer(body: bytes, *lines: str, status: int = 200) -> bytes:
    """An answer with these headers."""
    head = [f"HTTP/1.1 {status} S", *lines, f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def certificate(folder: Path) -> Path:
    """A self-signed certificate for the names of all rows, with its key, in one file."""
    return self_signed(folder / "policies.pem", "probe", [x509.DNSName(each) for each in _NAMES])


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Site]:
    """A site, while the block lasts."""
    site, tls = Site(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(folder))
    secure = await asyncio.start_server(site.serve, HOST, 0, ssl=tls)
    plain = await asyncio.start_server(site.serve, HOST, 0)
    async with secure, plain:
        site.secure = secure.sockets[0].getsockname()[1]
        site.plain = plain.sockets[0].getsockname()[1]
        yield site
        # Chromium opens some in advance.
        for writer in {*site.open}:
            writer.close()
