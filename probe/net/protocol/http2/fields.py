"""Header fields of HTTP/2 as Chromium takes them, and the head that they make."""

import re

from multidict import CIMultiDict

from probe.net.protocol.errors import ProtocolViolation
from probe.net.protocol.exchange import Request
from probe.net.protocol.head import Head, check_unambiguous

# spdy::HeaderCoalescer and net::ParseHeaderValue.
_NAME = re.compile(r":?[!#$%&'*+.^_`|~0-9a-z-]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# A third one is an error (RFC 7541, 4.2).
_SIZE_UPDATES = re.compile(rb"(?:[\x20-\x3e]|\x3f[\x80-\xff]*[\x00-\x7f]){3}", re.DOTALL)
_STATUS = re.compile(r"\+?[0-9]{1,9}")

_PERHOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "upgrade", "host", "sec-websocket-key"}
)

Fields = list[tuple[str, str]]


def fields_of(request: Request, tunnel: bool) -> Fields:
    """Those of a request; with ``tunnel`` of one that opens a WebSocket (RFC 8441, 4)."""
    fields = [
        (":method", "CONNECT" if tunnel else request.method),
        (":authority", request.authority),
        (":scheme", request.scheme),
        (":path", request.target),
    ]
    if tunnel:
        fields.append((":protocol", "websocket"))
    plain = ((name.lower(), value) for name, value in request.headers)
    fields += [(name, value) for name, value in plain if name not in _PERHOP]
    if request.body:
        fields.append(("content-length", str(len(request.body))))
    return fields


def head_of(fields: Fields) -> Head:
    """The head of a response. Raises ProtocolViolation."""
    if not fields or fields[0][0] != ":status" or not _STATUS.fullmatch(fields[0][1]):
        raise ProtocolViolation("answers without a status code")
    status = int(fields[0][1])
    if not 100 <= status <= 999 or any(name == ":status" for name, _ in fields[1:]):
        raise ProtocolViolation("answers without a status code")
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in fields:
        if not name.startswith(":"):
            headers.add(name, value.strip(" \t"))
    if "Transfer-Encoding" in headers:
        raise broken("a Transfer-Encoding")
    head = Head((2, 0), status, headers)
    if status >= 200:
        check_unambiguous(head)
    return head


def check_size_updates(block: bytes) -> None:
    """Raise ProtocolViolation where a block begins with more changes of the table's size than
    HPACK has."""
    if _SIZE_UPDATES.match(block):
        raise broken("more than two sizes of the header table at once")


def checked(fields: Fields) -> Fields:
    """The same. Raises ProtocolViolation for fields that browsers do not take."""
    was_plain = False
    for name, value in fields:
        if not _NAME.fullmatch(name) or _BAD_VALUE.search(value):
            raise broken("a header field with characters that are not allowed")
        if was_plain and name.startswith(":"):
            raise broken("a pseudo-header behind the others")
        was_plain = not name.startswith(":")
    return fields


def broken(what: str) -> ProtocolViolation:
    """What a server must not send."""
    return ProtocolViolation(f"breaks the HTTP/2 protocol: it sends {what}")
