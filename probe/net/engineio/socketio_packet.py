"""Socket.IO packets (protocol revision 5): their format, read strictly.

https://github.com/socketio/socket.io-protocol: a digit for the type, the number of binary
attachments and ``-``, the namespace and ``,`` unless it is ``/``, an id, then JSON.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from probe.net.protocol.errors import ProtocolViolation
from probe.untrusted.json_document import InvalidDocument, parse_json

MAX_ATTACHMENTS = 10  # socket.io-parser's default
_PACKET = re.compile(r"([0-6])(?:(\d{1,3})-)?(?:(/[^,]{0,500}),?)?(\d{0,16})")
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


@dataclass(slots=True)
class SocketIoPacket:
    """One packet; ``attachments`` are binary messages that are still to come,."""

    kind: SocketIoPacketType
    namespace: str
    content: Any = None
    attachments: int = 0

    @property
    def event(self) -> str:
        """The event's name."""
        return str(self.content[0])

    @property
    def first(self) -> object:
        """The event's first argument."""
        return self.content[1] if len(self.content) > 1 else None

    def one_attachment_came(self) -> bool:
        """Whether all are there now."""
        self.attachments -= 1
        return self.attachments <= 0


def read_packet(text: str, *, is_whole: bool = True) -> SocketIoPacket:
    """A packet from its text; of one whose end was dropped for its length, the name alone.

    Raises ProtocolViolation where socket.io-client would close with "parse error".
    """
    matched = _PACKET.match(text)
    if matched is None:
        raise ProtocolViolation("does not speak Socket.IO as it should")
    kind = SocketIoPacketType(matched[1])
    binary = kind in (SocketIoPacketType.BINARY_EVENT, SocketIoPacketType.BINARY_ACK)
    attachments = int(matched[2] or 0) if binary else 0
    if attachments > MAX_ATTACHMENTS or (matched[2] and not binary):
        raise ProtocolViolation("does not speak Socket.IO as it should")
    rest = text[matched.end() :]
    content = _content(rest) if is_whole else _name_alone(rest)
    packet = SocketIoPacket(kind, matched[3] or "/", content, attachments)
    if not _fits(packet) or (is_whole and attachments and not _finds_all(content, attachments)):
        raise ProtocolViolation("does not speak Socket.IO as it should")
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


def _content(text: str) -> Any:
    if not text:
        return None
    try:
        return parse_json(text)
    except InvalidDocument:
        raise ProtocolViolation("does not speak Socket.IO as it should") from None


def _name_alone(text: str) -> list[str]:
    matched = _EVENT_NAME.match(text)
    return [matched[1]] if matched else ["a message of more than 1 MiB"]


def _fits(packet: SocketIoPacket) -> bool:
    """socket.io-parser's isPayloadValid, as far as it decides about the session."""
    content = packet.content
    if packet.kind in (SocketIoPacketType.EVENT, SocketIoPacketType.BINARY_EVENT):
        name = content[0] if isinstance(content, list) and content else None
        return isinstance(name, str | int) and name not in _RESERVED
    if packet.kind is SocketIoPacketType.CONNECT:
        return content is None or isinstance(content, dict)
    if packet.kind is SocketIoPacketType.DISCONNECT:
        return content is None
    if packet.kind is SocketIoPacketType.CONNECT_ERROR:
        return isinstance(content, str | dict)
    return isinstance(content, list)


def _finds_all(content: Any, attachments: int) -> bool:
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
