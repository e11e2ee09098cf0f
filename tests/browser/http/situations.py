"""Answers of web servers as they occur, for comparing what clients make of them."""

import gzip
import zlib

import brotli
from msgspec import Struct

from tests.servers.pages import Behaviour, in_turn, says

OK = b"HTTP/1.1 200 OK\r\n"
GO = "Go's client minds it"
CHUNK = "Chromium alone takes more than 16 digits"
# What `zstd` makes of "hello", without a checksum.
_ZSTD = bytes.fromhex("28b52ffd2005290000") + b"hello"
HELLO = b"Content-Length: 5\r\n\r\nhello"


class Situation(Struct, frozen=True):
    """``answers`` are sent one for each connection, the last for all that follow; ``why``
    explains a row in which not all clients agree."""

    name: str
    answers: tuple[bytes, ...]
    why: str = ""

    @property
    def behaviour(self) -> Behaviour:
        """A server in this situation."""
        return in_turn(*map(says, self.answers))


def _to(location: bytes, status: bytes = b"302 Found") -> bytes:
    return b"HTTP/1.1 %s\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (
        status,
        location,
    )


def _coded(coding: bytes, body: bytes) -> tuple[bytes, ...]:
    head = b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding, len(body))
    return (OK + head + body,)


def _chunked(body: bytes) -> tuple[bytes, ...]:
    return (OK + b"Transfer-Encoding: chunked\r\n\r\n" + body,)


def _hops(count: int) -> tuple[bytes, ...]:
    """So many redirects to the same server, then an answer."""
    return (*(_to(b"/%d" % hop) for hop in range(count)), OK + HELLO)


def _raw_deflate(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(data) + coder.flush()


SITUATIONS = (
    Situation(
        "204 without a body",
        (b"HTTP/1.1 204 No Content\r\n\r\n",),
        "Chromium keeps its page, as the standard wants",
    ),
    Situation("no reason phrase", (b"HTTP/1.1 200\r\n" + HELLO,)),
    Situation("HTTP/1.0, the body ends with the connection", (b"HTTP/1.0 200 OK\r\n\r\nhello",)),
    Situation(
        "103 Early Hints before the answer",
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + OK + HELLO,),
    ),
    Situation(
        "chunks with extensions and a trailer",
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\n"
            b"5;name=value\r\nhello\r\n0\r\nServer-Timing: total;dur=1\r\n\r\n",
        ),
    ),
    Situation(
        "the last chunk is missing",
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",),
    ),
    Situation("a body shorter than announced", (OK + b"Content-Length: 50\r\n\r\nhello",)),
    Situation(
        "a negative Content-Length",
        (OK + b"Content-Length: -1\r\n\r\nhello",),
        "Chromium takes it for none",
    ),
    Situation("redirect to a query alone", (_to(b"?page=1"), OK + HELLO)),
    Situation("redirect with a fragment", (_to(b"/a#top"), OK + HELLO)),
    Situation(
        "redirect without Location",
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",),
        "curl takes every status for success",
    ),
    Situation(
        "redirect to a name with raw UTF-8",
        (_to("/schön".encode()), OK + HELLO),
    ),
    Situation("redirect to ftp:", (_to(b"ftp://127.0.0.1/"),)),
    Situation("10 redirects", _hops(10)),
    Situation(
        "19 redirects",
        _hops(19),
        "blackbox_exporter follows 10; Chromium and the Fetch standard 20",
    ),
    Situation("25 redirects", _hops(25), "curl follows 50; Chromium and the Fetch standard 20"),
    Situation(
        "300 with an address",
        (_to(b"/a", b"300 Multiple Choices"), OK + HELLO),
        "curl alone follows it",
    ),
    Situation(
        "304 to a client that has nothing",
        (b"HTTP/1.1 304 Not Modified\r\n\r\n",),
        "curl takes every status for success",
    ),
    Situation("deflate without zlib's header", _coded(b"deflate", _raw_deflate(b"hello"))),
    Situation("gzip named x-gzip", _coded(b"x-gzip", gzip.compress(b"hello"))),
    Situation(
        "gzip with garbage after its end",
        _coded(b"gzip", gzip.compress(b"hello") + b"garbage"),
        "curl alone minds it",
    ),
    Situation(
        "gzip that is none",
        _coded(b"gzip", b"hello"),
        "blackbox_exporter asks for no coding",
    ),
    Situation(
        "an unknown content coding",
        _coded(b"x-own", b"hello"),
        "Chromium shows what it can't decode; curl refuses it",
    ),
    Situation(
        "a header without a colon",
        (OK + b"nonsense\r\n" + HELLO,),
        "Chromium ignores it",
    ),
    Situation("a header without a name", (OK + b": value\r\n" + HELLO,)),
    Situation(
        "a null byte in a header",
        (OK + b"X-A: a\0b\r\n" + HELLO,),
        "blackbox_exporter alone accepts it",
    ),
    Situation("a bare carriage return in a header", (OK + b"X-A: a\rb\r\n" + HELLO,)),
    Situation(
        "an empty line before the answer",
        (b"\r\n" + OK + HELLO,),
        "Chromium skips it",
    ),
    Situation("HTTP/0.9: no head at all", (b"hello",)),
    Situation(
        "a status of two digits",
        (b"HTTP/1.1 20 OK\r\n" + HELLO,),
        "Chromium shows it; it is not a success all the same",
    ),
    Situation("status 299", (b"HTTP/1.1 299 Fine\r\n" + HELLO,)),
    Situation(
        "status 600",
        (b"HTTP/1.1 600 Odd\r\n" + HELLO,),
        "curl takes every status for success; to Chromium it is shown, and is not a success",
    ),
    Situation("HTTP/2.0 in the clear", (b"HTTP/2.0 200 OK\r\n" + HELLO,)),
    Situation("nothing but a head", (OK + b"\r\n",)),
)
BEYOND = (
    Situation(
        "102 Processing before the answer", (b"HTTP/1.1 102 Processing\r\n\r\n" + OK + HELLO,)
    ),
    Situation("http/1.1 in small letters", (b"http/1.1 200 OK\r\n" + HELLO,), GO),
    Situation("HTTP/1.10", (b"HTTP/1.10 200 OK\r\n" + HELLO,), "Chromium alone reads it"),
    Situation("no blank behind the status", (b"HTTP/1.1 200OK\r\n" + HELLO,), GO),
    Situation("no status at all", (b"HTTP/1.1\r\n" + HELLO,), "Chromium takes it for 200"),
    Situation("ICY 200, as of Shoutcast", (b"ICY 200 OK\r\n" + HELLO,), "Chromium alone reads it"),
    Situation(
        "a byte order mark before the answer",
        (b"\xef\xbb\xbf" + OK + HELLO,),
        "Chromium skips up to four bytes",
    ),
    Situation("five bytes before the answer", (b"12345" + OK + HELLO,)),
    Situation(
        "two Content-Lengths in one, equal", (OK + b"Content-Length: 5, 5\r\n\r\nhello",), GO
    ),
    Situation("Content-Length: +5", (OK + b"Content-Length: +5\r\n\r\nhello",), GO),
    Situation(
        "a header of 300 kB", (OK + b"X: %b\r\n" % (b"a" * 300_000) + HELLO,), "Go takes 1 MB"
    ),
    Situation("1,000 headers", (OK + b"X-A: b\r\n" * 1000 + HELLO,)),
    Situation(
        "a chunk's size with many zeros", _chunked(b"%021d\r\nhello\r\n0\r\n\r\n" % 5), CHUNK
    ),
    Situation("a blank before a chunk's size", _chunked(b" 5\r\nhello\r\n0\r\n\r\n")),
    Situation("chunks with bare line feeds", _chunked(b"5\nhello\n0\n\n"), GO),
    Situation(
        "a trailer without a colon", _chunked(b"5\r\nhello\r\n0\r\nnone\r\n\r\n"), "curl minds it"
    ),
    Situation(
        "chunks in HTTP/1.0",
        (b"HTTP/1.0 200 OK\r\n" + _chunked(b"5\r\nhello\r\n0\r\n\r\n")[0][17:],),
    ),
    Situation("gzip that ends too early", _coded(b"gzip", gzip.compress(b"hello")[:-9])),
    Situation("br that ends too early", _coded(b"br", brotli.compress(b"hello" * 99)[:-3])),
    Situation("zstd unasked", _coded(b"zstd", _ZSTD)),
    Situation(
        "zstd that is none", _coded(b"zstd", b"hello"), "blackbox_exporter asks for no coding"
    ),
    Situation("a charset as the coding", _coded(b"utf-8", b"hello"), "curl alone minds it"),
    Situation(
        "a redirect with an empty address", (_to(b""), OK + HELLO), "curl takes every status"
    ),
    Situation(
        "a redirect to two addresses",
        (
            b"HTTP/1.1 302 F\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
            OK + HELLO,
        ),
        "Chromium refuses to choose",
    ),
    Situation("to itself three times, then an answer", (*[_to(b"/")] * 3, OK + HELLO)),
    Situation("a redirect with blanks in it", (_to(b"/a b  c"), OK + HELLO)),
    Situation("a redirect with backslashes", (_to(b"\\a\\b"), OK + HELLO)),
    Situation("a redirect without its body", (_to(b"/a").replace(b": 0", b": 500"), OK + HELLO)),
    Situation("a redirect to port 1", (_to(b"http://127.0.0.1:1/"),)),
    Situation(
        "101 that was not asked for, then an answer",
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + OK + HELLO,),
        "Go's client takes it for the answer",
    ),
    Situation(
        "204 with two Content-Lengths",
        (b"HTTP/1.1 204 N\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",),
        "curl does not look",
    ),
    Situation(
        "Content-Length: 9223372036854775807",
        (OK + b"Content-Length: 9223372036854775807\r\n\r\nhello",),
    ),
    Situation(
        "305 Use Proxy", (_to(b"/a", b"305 Use Proxy"), OK + HELLO), "curl takes every status"
    ),
)
