"""Where the body of an HTTP/1.x response ends (RFC 9112, section 6), as browsers see it."""

import re
from typing import Protocol

from probe.net.protocol.errors import Flood, ProtocolViolation, Truncated
from probe.net.protocol.head import Head, check_lengths, excerpt

_MAX_CHUNK_LINE = 16384  # net::HttpChunkedDecoder::kMaxLineBufLen
MAX_OVERHEAD = 256 << 10
"""Bytes of chunk lines and trailers that may come beside the content; content earns as many more:
who writes a page word by word sends 6 of them with each."""
# As Chromium has it (net::HttpChunkedDecoder::ParseChunkSize): no blank before it, spaces behind.
_CHUNK_SIZE = re.compile(rb"0*([0-9A-Fa-f]{1,16}) *(?:;.*)?$", re.DOTALL)


class Framing(Protocol):
    """Takes received bytes, gives those of the body."""

    done: bool

    @property
    def leaves_open(self) -> bool:
        """Whether it is done, with nothing behind it, on a connection that may go on."""

    def feed(self, data: bytes) -> bytes:
        """The body's bytes among these. Raises PeerError."""

    def end(self) -> None:
        """The connection has ended. Raises Truncated where the body had not."""


class EmptyBody:
    """1xx, 204, 205 and 304 have none, whatever their headers say."""

    done = leaves_open = True

    def feed(self, _: bytes) -> bytes:
        self.leaves_open = False
        return b""

    def end(self) -> None:
        """Nothing is missing."""


class UntilClosed:
    """As long as the connection lasts."""

    done = leaves_open = False

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> None:
        self.done = True


class Counted:
    """As many bytes as Content-Length says; what follows is not part of it."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = self.leaves_open = length == 0

    def feed(self, data: bytes) -> bytes:
        taken = data[: self._left]
        self._left -= len(taken)
        self.done = self._left == 0
        self.leaves_open = self.done and len(taken) == len(data)
        return taken

    def end(self) -> None:
        if not self.done:
            missing = f"breaks off {self._left} bytes before the end of its body"
            raise Truncated(missing, unmet_length=True)


class Chunked:
    """Chunks with their sizes before them, then trailers (RFC 9112, 7.1)."""

    def __init__(self) -> None:
        self.done = False
        self._buffer = bytearray()
        self._left = 0
        self._overhead = 0  # less the content
        self._state = "size"

    @property
    def leaves_open(self) -> bool:
        """As of all framings."""
        return self.done and not self._buffer

    def feed(self, data: bytes) -> bytes:
        self._buffer += data
        body = bytearray()
        while not self.done:
            if self._state == "data":
                taken = self._buffer[: self._left]
                del self._buffer[: len(taken)]
                body += taken
                self._left -= len(taken)
                self._overhead -= len(taken)
                if self._left:
                    break
                self._state = "data-end"
            line = self._line()
            if line is None:
                break
            self._take(line)
        return bytes(body)

    def end(self) -> None:
        if not self.done:
            raise Truncated("breaks off before the last chunk of its body", unmet_length=True)

    def _line(self) -> bytes | None:
        at = self._buffer.find(b"\n", 0, _MAX_CHUNK_LINE + 2)
        if at < 0:
            if len(self._buffer) > _MAX_CHUNK_LINE + 1:
                raise ProtocolViolation("sends a chunk line without end")
            self._check_early()
            return None
        line = bytes(self._buffer[:at]).removesuffix(b"\r")
        del self._buffer[: at + 1]
        self._overhead += at + 1
        if self._overhead > MAX_OVERHEAD:
            raise Flood("sends far more chunk lines and trailers than content")
        return line

    def _check_early(self) -> None:
        """Garbage is garbage before its line is complete."""
        start = bytes(self._buffer[:16]).rstrip(b"\r")
        if self._state == "size" and start and not re.match(rb"[0-9A-Fa-f]", start):
            raise ProtocolViolation(
                f"sends {excerpt(bytes(self._buffer))} where a chunk's size belongs"
            )
        if self._state == "data-end" and start:
            raise ProtocolViolation("sends a chunk that is longer than its size")

    def _take(self, line: bytes) -> None:
        if self._state == "size":
            matched = _CHUNK_SIZE.match(line)
            if matched is None:
                raise ProtocolViolation(f"sends {excerpt(line)} where a chunk's size belongs")
            self._left = int(matched[1], 16)
            self._state = "data" if self._left else "trailers"
        elif self._state == "data-end":
            if line:
                raise ProtocolViolation("sends a chunk that is longer than its size")
            self._state = "size"
        elif not line:
            self.done = True


def framing_of(head: Head) -> Framing:
    """How the body of this response is delimited. Raises ProtocolViolation."""
    check_lengths(head)
    if head.status < 200 or head.status in (204, 205, 304):
        return EmptyBody()
    if head.is_chunked:
        return Chunked()
    # Of a Transfer-Encoding browsers know nothing but "chunked".
    return UntilClosed() if head.length is None else Counted(head.length)
