"""Socket.IO packets (protocol revision 5): their format, read strictly.

https://github.com/socketio/socket.io-protocol: a digit for the type, the number of binary
attachments and ``-``, the namespace and ``,`` unless it is ``/``, an id, then JSON.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from probe.net.protocol.errors import ProtocolViolation
from probe.untrusted.javascript_json import TooManyValues, parse_as_javascript
from probe.untrusted.javascript_number import BLANKS as _BLANKS
from probe.untrusted.javascript_number import javascript_number
from probe.untrusted.json_document import InvalidDocument

MAX_ATTACHMENTS = 10  # socket.io-parser's default
_PARSE_ERROR = "does not speak Socket.IO as it should"
# socket.io-parser takes for a digit what JavaScript does.
_DIGITS = "0123456789" + _BLANKS
# "10", written in any way.
_LONGEST_COUNT = 64
# socket.io-parser's, which no event may have.
_RESERVED = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
_EVENT_NAME = re.compile(r'\[\s*"((?:[^"\\]|\\.){1,200})"')


class SocketIoPacketType(Enum):
    """The digit that a packet begins with."""

    CONNECT = "0"
    DISCONNECT = "1"
    EVENT = "2"
    ACK = "3"
    CONNECT_ERROR = "4"
    BINARY_EVENT = "5"
    BINARY_ACK = "6"


_BINARY = (SocketIoPacketType.BINARY_EVENT, SocketIoPacketType.BINARY_ACK)


@dataclass(slots=True)
class SocketIoPacket:
    """One packet, its ``content`` None where it has none; ``attachments`` are binary messages that
    are still to come."""

    kind: SocketIoPacketType
    namespace: str
    content: Any = None
    attachments: int = 0

    @property
    def event(self) -> str:
        """The event's name; empty without any content, which no page listens to."""
        return str(self.content[0]) if self.content else ""

    @property
    def first(self) -> object:
        """The event's first argument."""
        return self.content[1] if self.content and len(self.content) > 1 else None

    def one_attachment_came(self) -> bool:
        """Whether all are there now."""
        self.attachments -= 1
        return self.attachments <= 0


def read_packet(text: str, *, is_whole: bool = True) -> SocketIoPacket:
    """A packet from its text; of one whose end was dropped for its length, the name alone.

    Raises ProtocolViolation where socket.io-client would close with "parse error".
    """
    kind = _kind_of(text[:1])
    attachments, at = _attachments(text) if kind in _BINARY else (0, 1)
    namespace = "/"
    if text[at : at + 1] == "/":
        comma = text.find(",", at)
        end = comma if comma >= 0 else len(text)
        namespace, at = text[at:end], end + 1
    while at < len(text) and text[at] in _DIGITS:
        at += 1
    if at >= len(text):
        return SocketIoPacket(kind, namespace, None, attachments)
    content = _content(text[at:]) if is_whole else _name_alone(text[at:])
    packet = SocketIoPacket(kind, namespace, content, attachments)
    if not _fits(packet) or (is_whole and attachments and not _finds_all(content, attachments)):
        raise ProtocolViolation(_PARSE_ERROR)
    return packet


def connect_packet(namespace: str, auth: Mapping[str, Any]) -> str:
    """CONNECT with what authenticates."""
    return f"0{_prefix(namespace)}{json.dumps(auth, separators=(',', ':'))}"


def event_packet(namespace: str, event: str, content: Mapping[str, Any] | None) -> str:
    """EVENT with one argument, or none."""
    arguments = [event] if content is None else [event, content]
    return f"2{_prefix(namespace)}{json.dumps(arguments, separators=(',', ':'))}"


def _prefix(namespace: str) -> str:
    return "" if namespace == "/" else f"{namespace},"


def _kind_of(text: str) -> SocketIoPacketType:
    """The type; to JavaScript a blank is the number 0."""
    digit = "0" if text and text in _BLANKS else text
    if len(digit) != 1 or digit not in "0123456":
        raise ProtocolViolation(_PARSE_ERROR)
    return SocketIoPacketType(digit)


def _attachments(text: str) -> tuple[int, int]:
    """How many binary messages follow, and where the packet goes on."""
    end = text.find("-", 1)
    number = javascript_number(text[1:end]) if 1 <= end <= _LONGEST_COUNT else math.nan
    if not (number.is_integer() and 1 <= number <= MAX_ATTACHMENTS):
        raise ProtocolViolation(_PARSE_ERROR)
    return int(number), end + 1


def _content(text: str) -> Any:
    try:
        return parse_as_javascript(text)
    except TooManyValues:
        return _name_alone(text)
    except InvalidDocument:
        raise ProtocolViolation(_PARSE_ERROR) from None


def _name_alone(text: str) -> list[str]:
    matched = _EVENT_NAME.match(text)
    return [matched[1]] if matched else ["a message of more than 1 MiB"]


def _fits(packet: SocketIoPacket) -> bool:
    """socket.io-parser's isPayloadValid, of a packet that has content."""
    content = packet.content
    if packet.kind in (SocketIoPacketType.EVENT, SocketIoPacketType.BINARY_EVENT):
        name = content[0] if isinstance(content, list) and content else None
        is_name = isinstance(name, str | int | float) and not isinstance(name, bool)
        return is_name and name not in _RESERVED
    if packet.kind is SocketIoPacketType.CONNECT:
        return isinstance(content, dict)
    if packet.kind is SocketIoPacketType.CONNECT_ERROR:
        return isinstance(content, str | dict)
    return packet.kind is not SocketIoPacketType.DISCONNECT and isinstance(content, list)


def _finds_all(content: object, attachments: int) -> bool:
    """Whether each placeholder is for one of the attachments; others are "illegal"."""
    waiting = [content]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting.extend(each)
        elif isinstance(each, dict) and each.get("_placeholder") is True:
            number = each.get("num")
            if not isinstance(number, int | float) or not 0 <= number < attachments:
                return False
        elif isinstance(each, dict):
            waiting.extend(each.values())
    return True
