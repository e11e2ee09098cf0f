"""The head of an HTTP/1.x response, read as browsers and curl do.

What they tolerate is no fault of a target: bare line feeds, a blank before a colon, folded
lines, lines without a colon, any number of headers, up to Chromium's 256 KiB, and a status line
as loose as Chromium reads it. What they refuse is named.
"""

import re

from msgspec import Struct
from multidict import CIMultiDict

from probe.net.protocol.errors import NotHttp, ProtocolViolation
from probe.untrusted.text import redacted

# Bytes of which the first few are shown, without the secrets among all of them.
MAX_EXCERPTED = 1024
# Chromium's net::HttpStreamParser::kMaxHeaderBufSize.
MAX_HEAD = 256 * 1024
# Stray bytes before the status line that Chromium allows: net::HttpUtil::LocateStartOfStatusLine.
_MAX_PRELUDE = 4
# Shoutcast's, which browsers read as HTTP/0.9: all of it is a body.
_ICY = b"icy"
_STARTS = (b"http", _ICY)
# net::HttpResponseHeaders::ParseStatusLine: whatever is no version counts as 1.0, and a line
# without a status as 200.
_VERSION = re.compile(rb"http/(\d)[^.]*\.(\d)", re.IGNORECASE)
_STATUS = re.compile(rb"[^ ]* +(\d+)")
# Chromium refuses a response in which these differ.
_UNAMBIGUOUS = ("Location", "Content-Disposition")
_BLANKS = " \t"  # net::HttpUtil::TrimLWS, and no other white space
_HTTP2_SETTINGS = re.compile(rb"^\x00\x00.\x04")
_TLS_RECORD = re.compile(rb"^[\x14-\x17]\x03[\x00-\x04]")


class Head(Struct, frozen=True, gc=False):
    """Status line and headers; ``version`` as in ``(1, 1)``."""

    version: tuple[int, int]
    status: int
    headers: CIMultiDict[str]

    def all(self, name: str) -> list[str]:
        """The elements of a header that is a comma-separated list (RFC 9110, 5.6.1)."""
        return [each for each in self.each(name) if each]

    def each(self, name: str) -> list[str]:
        """The same with those that are empty, which some headers are refused for."""
        values = ",".join(self.headers.getall(name, []))
        return [each.strip(_BLANKS) for each in values.split(",")] if name in self.headers else []

    @property
    def length(self) -> int | None:
        """Content-Length. As Chromium has it, one that is no number, or none of 63 bits, says
        nothing of the body."""
        text = next(iter(self.all("Content-Length")), "")
        if not (text.isascii() and text.isdigit()):
            return None
        digits = text.lstrip("0") or "0"
        return int(digits) if len(digits) <= 19 and not int(digits) >> 63 else None

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection stays open: net::HttpResponseHeaders::IsKeepAlive."""
        said = (*self.all("Connection"), *self.all("Proxy-Connection"))
        known = (each.lower() for each in said if each.lower() in ("close", "keep-alive"))
        by_default = "close" if self.version <= (1, 0) else "keep-alive"
        return next(known, by_default) == "keep-alive"

    @property
    def is_chunked(self) -> bool:
        """Whether any coding of the message is ``chunked``, which HTTP/1.0 does not know."""
        codings = (each.lower() for each in self.all("Transfer-Encoding"))
        return self.version >= (1, 1) and "chunked" in codings


class HeadReader:
    """Takes bytes until a head is complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched, self._is_first = 0, True

    def feed(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and what follows it, or None: more is needed. Raises PeerError."""
        self._buffer += data
        start = find_status_line(self._buffer, is_first=self._is_first)
        if start is None:
            return None
        if self._is_shoutcast:
            return _shoutcast(), bytes(self._buffer)
        end = self._end(start)
        if end is None:
            if len(self._buffer) > MAX_HEAD:
                raise ProtocolViolation(
                    f"sends headers without end (more than {MAX_HEAD >> 10} KiB)"
                )
            return None
        if end[1] > MAX_HEAD:
            raise ProtocolViolation(f"sends more than {MAX_HEAD >> 10} KiB of headers")
        head = parse_head(bytes(self._buffer[start : end[0]]), bytes(self._buffer[:start]))
        self._is_first = False
        rest = bytes(self._buffer[end[1] :])
        self._buffer.clear()
        self._searched = 0
        return head, rest

    def end(self) -> Head | None:
        """What is there counts as the head, as browsers have it where the connection ends within
        one (without TLS); None where not even a status line began."""
        start = find_status_line(self._buffer, is_first=self._is_first) if self._buffer else None
        if start is None:
            return None
        head = parse_head(bytes(self._buffer[start:]), bytes(self._buffer[:start]))
        self._buffer.clear()
        for name in ("Content-Length", "Transfer-Encoding"):  # nothing follows
            head.headers.popall(name, None)
        return head

    @property
    def _is_shoutcast(self) -> bool:
        return len(self._buffer) > len(_ICY) and self._buffer[: len(_ICY)].lower() == _ICY

    @property
    def pending(self) -> bytes:
        """The beginning of what is there."""
        return bytes(self._buffer[:MAX_EXCERPTED])

    def _end(self, start: int) -> tuple[int, int] | None:
        """Where the empty line begins and ends; each byte is searched once."""
        found = _EMPTY_LINE.search(self._buffer, max(start, self._searched - 3))
        if found is None:
            self._searched = len(self._buffer)
            return None
        return found.start(), found.end()


_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
# net::HttpUtil::AssembleRawHeaders: a carriage return alone ends a line as well.
_LINE_END = re.compile(rb"[\r\n]+")


def find_status_line(data: bytes | bytearray, *, is_first: bool = True) -> int | None:
    """Where the status line begins; None as long as one may still come. Shoutcast's may be the
    first alone. Raises NotHttp."""
    start = bytes(data[: _MAX_PRELUDE + 4]).lower()
    if _HTTP2_SETTINGS.match(data) or start.startswith(b"pri * ht"):
        raise NotHttp("only speaks HTTP/2 without TLS, which no browser does")
    if _TLS_RECORD.match(data):
        raise NotHttp("speaks TLS on this port", hint="Write https:// instead of http://.")
    if start.startswith(_STARTS if is_first else _STARTS[:1]):
        return 0
    for at in range(_MAX_PRELUDE + 1):
        found = start[at : at + 4]
        if found == b"http":
            return at
        if at + 4 > len(start) and b"http".startswith(found):
            return None
    raise NotHttp(f"does not speak HTTP: it sends {excerpt(bytes(data[:MAX_EXCERPTED]))}")


def _shoutcast() -> Head:
    return Head((0, 9), 200, CIMultiDict())


def parse_head(raw: bytes, stray: bytes = b"") -> Head:
    """A head from its status line on, without its empty line, behind these ``stray`` bytes. Raises
    PeerError."""
    first, *lines = _LINE_END.split(raw)
    version, matched = _VERSION.match(first), _STATUS.match(first)
    status = int(matched[1].lstrip(b"0")[:9] or b"0") if matched else 200
    if not 100 <= status <= 999:
        raise NotHttp(f"does not speak HTTP: its status line is {excerpt(first)}")
    if b"\x00" in raw or b"\x00" in stray:
        raise ProtocolViolation(f"answers {status} with a NUL byte among its headers")
    headers: CIMultiDict[str] = CIMultiDict()
    last = ""
    for line in lines:
        text = line.decode("latin-1")
        if text[:1] in (" ", "\t"):  # obs-fold (RFC 9112, 5.2), or nothing without a field before
            if last:
                values = headers.popall(last)
                headers.extend((last, each) for each in values[:-1])
                headers.add(last, f"{values[-1]} {text.strip(_BLANKS)}".strip(_BLANKS))
            continue
        name, colon, value = text.partition(":")
        last = name.strip(_BLANKS) if colon else ""
        if last:
            headers.add(last, value.strip(_BLANKS))
    numbers = (int(version[1]), int(version[2])) if version else (1, 0)
    return Head(numbers, status, headers)


def check_unambiguous(head: Head) -> None:
    """Raise ProtocolViolation for a response that says two things where it may say one."""
    for name in _UNAMBIGUOUS:
        if len(set(head.headers.getall(name, []))) > 1:
            raise ProtocolViolation(f"answers {head.status} with several {name}s that differ")
    if head.status < 200 or 300 <= head.status < 400:  # whose bodies are not read
        check_lengths(head)


def check_lengths(head: Head) -> None:
    """Raise ProtocolViolation for Content-Lengths that differ, unless they don't count."""
    if len(_lengths(head)) > 1 and not head.is_chunked:
        raise ProtocolViolation(f"answers {head.status} with several Content-Lengths that differ")


def _lengths(head: Head) -> set[str]:
    """What the Content-Lengths say; an empty one is another value than a number."""
    found: set[str] = set()
    for line in head.headers.getall("Content-Length", []):
        values = [each.strip(_BLANKS) for each in line.split(",")]
        found.update([each for each in values if each] or [""])
    return found


def excerpt(data: bytes, length: int = 24) -> str:
    """A few bytes, fit to be shown; of more than these, a secret that they begin is known."""
    shown = redacted(data[:MAX_EXCERPTED].decode("ascii", "replace"))[:length]
    return repr("".join(each if each.isprintable() else "?" for each in shown))
