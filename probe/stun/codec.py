"""STUN messages (RFC 8489 section 5), written and read as libwebrtc writes and reads them.

What it insists on is insisted on here: the cookie, the length, addresses that are whole, no
unknown attribute that must be understood. What it lets pass, passes: text in any encoding,
an attribute that comes twice (the first counts), a wrong FINGERPRINT, a number of another length
than it has (as many bytes are read as it has), what it does not know in such a message.
"""

import binascii
import enum
import hashlib
import hmac
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from probe.stun.attributes import (
    BY_NAME,
    BY_NUMBER,
    COOKIE,
    DISCARDED,
    NUMBER_BYTES,
    known_in,
)

HEADER_BYTES = 20
TRANSACTION_ID_BYTES = 12
# Servers send about ten; thousands of empty ones fit into 64 KiB.
MAX_ATTRIBUTES = 256
_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_INTEGRITY, _FINGERPRINT = BY_NAME["MESSAGE-INTEGRITY"].number, BY_NAME["FINGERPRINT"].number
_INTEGRITY_BYTES, _FINGERPRINT_BYTES = 20, 4
_FINGERPRINT_XOR = 0x5354554E
_CLASS_BITS = 0x0110


class DecodeError(ValueError):
    """The bytes are no STUN message; the text says why."""


class MessageClass(enum.IntEnum):
    """The two class bits, where they are in a message's type."""

    REQUEST = 0x000
    INDICATION = 0x010
    RESPONSE = 0x100
    ERROR = 0x110


class Method(enum.IntEnum):
    """RFC 8489 section 18.2 and RFC 8656 section 17."""

    BINDING = 0x1
    ALLOCATE = 0x3
    REFRESH = 0x4
    SEND = 0x6
    DATA = 0x7
    CREATE_PERMISSION = 0x8
    CHANNEL_BIND = 0x9

    @property
    def title(self) -> str:
        """As the RFCs write it: ``CreatePermission``."""
        return "".join(word.capitalize() for word in self.name.split("_"))


@dataclass
class StunMessage:
    """One message. ``attributes`` are by name, in order; ``unknown_required`` are the types
    of attributes that must be understood and are not, in a message that was read."""

    method: int
    message_class: MessageClass
    attributes: dict[str, Any] = field(default_factory=dict)
    transaction_id: bytes = field(default_factory=lambda: os.urandom(TRANSACTION_ID_BYTES))
    unknown_required: tuple[int, ...] = ()
    # What MESSAGE-INTEGRITY was made over, and what it is, in a message that was read.
    signed_part: bytes | None = None
    signature: bytes = b""

    @property
    def error_code(self) -> int | None:
        """The code of ERROR-CODE; None without one."""
        found = self.attributes.get("ERROR-CODE")
        return int(found[0]) if found else None

    def encode(self, key: bytes | None = None) -> bytes:
        """The message's bytes; with a ``key`` signed, and with a FINGERPRINT."""
        body = b"".join(
            _attribute(BY_NAME[name].number, BY_NAME[name].write(value, self.transaction_id))
            for name, value in self.attributes.items()
        )
        if key is None:
            return self._head(len(body)) + body
        head = self._head(len(body) + _ATTRIBUTE.size + _INTEGRITY_BYTES)
        body += _attribute(_INTEGRITY, _sign(head + body, key))
        head = self._head(len(body) + _ATTRIBUTE.size + _FINGERPRINT_BYTES)
        return head + body + _attribute(_FINGERPRINT, _fingerprint(head + body))

    def is_signed_with(self, key: bytes) -> bool:
        """Whether a message that was read carries MESSAGE-INTEGRITY made with this key."""
        if self.signed_part is None:
            return False
        return hmac.compare_digest(self.signature, _sign(self.signed_part, key))

    def _head(self, length: int) -> bytes:
        return _HEADER.pack(self.method | self.message_class, length, COOKIE, self.transaction_id)


def decode(data: bytes) -> StunMessage:
    """Read one whole message. Raises DecodeError, and nothing else."""
    if len(data) < HEADER_BYTES:
        raise DecodeError("shorter than a header")
    kind, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if kind & 0xC000 or cookie != COOKIE:
        raise DecodeError("not STUN: the magic cookie is missing")
    if length != len(data) - HEADER_BYTES or length % 4:
        raise DecodeError("the length in the header is not the message's")
    message = StunMessage(kind & ~_CLASS_BITS, MessageClass(kind & _CLASS_BITS), {}, transaction_id)
    is_known = known_in(message.method, is_request=message.message_class == MessageClass.REQUEST)
    for count, (number, at, value) in enumerate(_split(data, is_known)):
        if count >= MAX_ATTRIBUTES:
            raise DecodeError(f"more than {MAX_ATTRIBUTES} attributes")
        if number in BY_NUMBER:
            _take(message, number, value, is_needed=number in is_known)
        elif number in DISCARDED:
            message.unknown_required += (number,)
        if number == _INTEGRITY and len(value) == _INTEGRITY_BYTES and message.signed_part is None:
            message.signed_part, message.signature = _covered(data, at), value
    return message


def has_fingerprint(packet: bytes) -> bool:
    """Whether a packet ends with the FINGERPRINT that it must have (RFC 8489 section 14.7)."""
    at = len(packet) - _ATTRIBUTE.size - _FINGERPRINT_BYTES
    if at < HEADER_BYTES or packet[at:-_FINGERPRINT_BYTES] != _ATTRIBUTE.pack(
        _FINGERPRINT, _FINGERPRINT_BYTES
    ):
        return False
    return packet[-_FINGERPRINT_BYTES:] == _fingerprint(packet[:at])


def long_term_key(username: str, realm: bytes, password: str) -> bytes:
    """The key of the long-term mechanism (RFC 8489 section 9.2.2), MD5 as all servers take it."""
    text = b":".join((username.encode(), realm, password.encode()))
    return hashlib.md5(text, usedforsecurity=False).digest()


def _split(data: bytes, is_known: frozenset[int]) -> Iterator[tuple[int, int, bytes]]:
    """Type, offset and value of each attribute; a number that is known has its own length."""
    at = HEADER_BYTES
    while at < len(data):
        number, length = _ATTRIBUTE.unpack_from(data, at)
        start = at + _ATTRIBUTE.size
        own = NUMBER_BYTES.get(number, length) if number in is_known else length
        if start + max(length, own) > len(data):
            raise DecodeError("an attribute is longer than the message")
        length = own
        yield number, at, data[start : start + length]
        at = start + length + -length % 4


def _take(message: StunMessage, number: int, value: bytes, *, is_needed: bool) -> None:
    """Keep the first of a type. Raises DecodeError where one that is needed can't be read."""
    kind = BY_NUMBER[number]
    try:
        found = kind.read(value, message.transaction_id)
    except ValueError as error:
        if is_needed:
            raise DecodeError(f"{kind.name}: {error}") from None
    else:
        message.attributes.setdefault(kind.name, found)


def _covered(data: bytes, at: int) -> bytes:
    """What is signed (RFC 8489 section 14.5): all before the attribute, with a length that ends
    behind it."""
    length = at - HEADER_BYTES + _ATTRIBUTE.size + _INTEGRITY_BYTES
    return data[:2] + struct.pack("!H", length) + data[4:at]


def _attribute(number: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(number, len(value)) + value + bytes(-len(value) % 4)


def _fingerprint(covered: bytes) -> bytes:
    return struct.pack("!I", binascii.crc32(covered) ^ _FINGERPRINT_XOR)


def _sign(covered: bytes, key: bytes) -> bytes:
    return hmac.digest(key, covered, "sha1")
