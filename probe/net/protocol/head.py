"""The head of an HTTP/1.x response, read as browsers and curl do.

What they tolerate is no fault of a target: bare line feeds, a blank before a colon, folded
lines, lines without a colon, any number of headers, up to Chromium's 256 KiB. What they
refuse is named.
"""

import re
from dataclasses import dataclass

from multidict import CIMultiDict

from probe.net.protocol.errors import NotHttp, ProtocolViolation

# Chromium's net::HttpStreamParser::kMaxHeaderBufSize.
LONGEST_HEAD = 256 * 1024
_LONGEST_PRELUDE = 4  # stray bytes such as CR LF before the status line, as Chromium allows
_STATUS_LINE = re.compile(rb"HTTP/(\d)(?:\.(\d))?[ \t]+(\d{3})(?:[ \t]+([^\r\n]*))?[ \t]*$")
_HTTP2_SETTINGS = re.compile(rb"^\x00\x00.\x04")
_TLS_RECORD = re.compile(rb"^[\x14-\x17]\x03[\x00-\x04]")


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers; ``version`` as in ``(1, 1)``."""

    version: tuple[int, int]
    status: int
    headers: CIMultiDict[str]

    def all(self, name: str) -> list[str]:
        """The elements of a header that is a comma-separated list (RFC 9110, 5.6.1)."""
        values = ",".join(self.headers.getall(name, []))
        return [each.strip() for each in values.split(",") if each.strip()]


class HeadReader:
    """Takes bytes until a head is complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and what follows it, or None: more is needed. Raises PeerError."""
        self._buffer += data
        check_prelude(self._buffer)
        end = self._end()
        if end is None:
            if len(self._buffer) > LONGEST_HEAD:
                raise ProtocolViolation(
                    f"sends headers without end (more than {LONGEST_HEAD >> 10} KiB)"
                )
            return None
        if end[0] > LONGEST_HEAD:
            raise ProtocolViolation(f"sends more than {LONGEST_HEAD >> 10} KiB of headers")
        head = parse_head(bytes(self._buffer[: end[0]]))
        rest = bytes(self._buffer[end[1] :])
        self._buffer.clear()
        self._searched = 0
        return head, rest

    @property
    def pending(self) -> bytes:
        """The beginning of what is there."""
        return bytes(self._buffer[:64])

    def _end(self) -> tuple[int, int] | None:
        """Where the empty line begins and ends; each byte is searched once."""
        start = max(0, self._searched - 3)
        found = _EMPTY_LINE.search(self._buffer, start)
        if found is None:
            self._searched = len(self._buffer)
            return None
        return found.start(), found.end()


_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")


def check_prelude(data: bytes | bytearray) -> None:
    """Raise NotHttp as soon as what came can't become a status line."""
    start = bytes(data[:32]).lstrip(b"\r\n")
    if len(data) - len(start) > _LONGEST_PRELUDE and len(data) < 32:
        return
    if not start or b"HTTP/".startswith(start[:5]) or start[:5] == b"HTTP/":
        return
    if _HTTP2_SETTINGS.match(start) or start.startswith(b"PRI * HTTP/2"):
        raise NotHttp("only speaks HTTP/2 without TLS, which no browser does")
    if _TLS_RECORD.match(start):
        raise NotHttp("speaks TLS on this port", hint="Write https:// instead of http://.")
    raise NotHttp(f"does not speak HTTP: it sends {excerpt(start)}")


def parse_head(raw: bytes) -> Head:
    """A head without its empty line. Raises PeerError."""
    first, *lines = raw.lstrip(b"\r\n").split(b"\n")
    matched = _STATUS_LINE.match(first.rstrip(b"\r"))
    if matched is None:
        raise NotHttp(f"does not speak HTTP: its status line is {excerpt(first)}")
    status = int(matched[3])
    if b"\x00" in raw:
        raise ProtocolViolation(f"answers {status} with a NUL byte among its headers")
    headers: CIMultiDict[str] = CIMultiDict()
    last = ""
    for line in lines:
        text = line.rstrip(b"\r").decode("latin-1")
        if text[:1] in (" ", "\t") and last:  # obs-fold (RFC 9112, 5.2)
            values = headers.popall(last)
            headers.extend((last, each) for each in values[:-1])
            headers.add(last, f"{values[-1]} {text.strip()}")
            continue
        name, colon, value = text.partition(":")
        if colon and name.strip():
            last = name.strip()
            headers.add(last, value.strip())
    return Head((int(matched[1]), int(matched[2] or 0)), status, headers)


def excerpt(data: bytes, length: int = 24) -> str:
    """A few bytes, fit to be shown."""
    shown = data[:length].decode("ascii", "replace")
    return repr("".join(each if each.isprintable() else "?" for each in shown))
