"""TURN messages (RFC 8489, RFC 8656): read without ever raising, signed, framed.

Built on ``aioice.stun``. What arrives is a stranger's: everything that is not a whole and
valid message is None here, never an exception.
"""

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aioice import stun
from aioice.stun import Class, Message, Method

PeerAddress = tuple[str, int]
"""An address literal and a port."""

FIRST_CHANNEL = 0x4000  # RFC 8656 section 12
UDP_TRANSPORT = 17 << 24  # RFC 8656 section 18.7: the protocol's number, then three zeros
_CHANNEL_HEADER = struct.Struct("!HH")
_COOKIE = struct.pack("!I", stun.COOKIE)


def integrity_key(username: str, realm: str, password: str) -> bytes:
    """The key of the long-term mechanism (RFC 8489 section 9.2.2), MD5 as all servers take it."""
    text = f"{username}:{realm}:{password}".encode()
    return hashlib.md5(text, usedforsecurity=False).digest()


def make_request(
    method: Method, attributes: Mapping[str, Any], signature: Mapping[str, Any], key: bytes | None
) -> Message:
    """A request with a fresh transaction id; signed if there is a key.

    ``signature`` are the attributes USERNAME, REALM and NONCE that go with the key.
    """
    if key is None:
        return Message(method, Class.REQUEST, attributes=dict(attributes))
    message = Message(method, Class.REQUEST, attributes={**attributes, **signature})
    message.add_message_integrity(key)
    return message


def read_message(frame: bytes) -> Message | None:
    """The STUN message, or None where there is none."""
    if frame[4:8] != _COOKIE:
        return None
    try:
        return stun.parse_message(frame)
    except (ValueError, IndexError, struct.error):
        # struct.error: an attribute that is shorter than its type.
        return None


def send_indication(peer: PeerAddress, data: bytes) -> bytes:
    """Data for a peer (RFC 8656 section 11.1); indications are never signed."""
    attributes = {"XOR-PEER-ADDRESS": peer, "DATA": data}
    return bytes(Message(Method.SEND, Class.INDICATION, attributes=attributes))


def is_channel_data(frame: bytes) -> bool:
    """Whether the first two bits are 01 (RFC 8656 section 12)."""
    return len(frame) >= _CHANNEL_HEADER.size and frame[0] & 0xC0 == 0x40


def channel_data(number: int, data: bytes) -> bytes:
    """A ChannelData message, not padded."""
    return _CHANNEL_HEADER.pack(number, len(data)) + data


def read_channel_data(frame: bytes) -> tuple[int, bytes] | None:
    """Channel number and data, or None where less data came than was announced."""
    number, length = _CHANNEL_HEADER.unpack_from(frame)
    data = frame[_CHANNEL_HEADER.size : _CHANNEL_HEADER.size + length]
    return (number, data) if len(data) == length else None


class Framer:
    """Cuts a stream into STUN messages and padded ChannelData (RFC 8656 section 12.5).

    ``is_channel`` tells whether a channel number is in use: "HT" of an HTTP answer would
    be one, of a message that never gets whole.
    """

    def __init__(self, is_channel: Callable[[int], bool]) -> None:
        self._is_channel = is_channel
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are whole now. Raises ValueError where something else comes."""
        self._buffer += data
        while (size := self._size()) is not None and len(self._buffer) >= size:
            frame = bytes(self._buffer[:size])
            del self._buffer[:size]
            yield frame

    def _size(self) -> int | None:
        """Size of the first message in bytes, None while its head is not there."""
        if len(self._buffer) < _CHANNEL_HEADER.size:
            return None
        number, length = _CHANNEL_HEADER.unpack_from(self._buffer)
        if self._is_channel(number):
            return int(_CHANNEL_HEADER.size + length + -length % 4)
        cookie = bytes(self._buffer[4:8])
        if self._buffer[0] & 0xC0 or length % 4 or not _COOKIE.startswith(cookie):
            raise ValueError("neither STUN nor ChannelData")
        return stun.HEADER_LENGTH + int(length)
