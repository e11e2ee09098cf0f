"""TURN messages (RFC 8656) on top of the STUN codec: read without ever raising, framed.

Input is untrusted: everything that is not a whole and valid message is None here,
never an exception.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from probe.stun.attributes import COOKIE_BYTES, TransportAddress
from probe.stun.codec import (
    HEADER_BYTES,
    DecodeError,
    MessageClass,
    Method,
    StunMessage,
    decode,
)

PeerAddress = TransportAddress

FIRST_CHANNEL = 0x4000  # RFC 8656 section 12
LAST_CHANNEL = 0x7FFF  # RFC 5766 section 11; since RFC 8656 they end with 0x4FFF
UDP_TRANSPORT = 17  # the protocol's number (RFC 8656 section 18.7)
_CHANNEL_HEADER = struct.Struct("!HH")
# All that a server sends to a client is an indication, a success or an error of a method
# below 0x80 (RFC 8489 section 18.2): the first byte of the type is 0 or 1.
_FIRST_BYTES = (0, 1)


def make_request(
    method: Method, attributes: Mapping[str, Any], login: Mapping[str, Any]
) -> StunMessage:
    """A request with a fresh transaction id. ``login`` are the attributes USERNAME, REALM and
    NONCE that go with the key it is signed with; empty without one."""
    return StunMessage(method, MessageClass.REQUEST, {**attributes, **login})


def read_message(frame: bytes) -> StunMessage | None:
    """The STUN message, or None where there is none."""
    try:
        return decode(frame)
    except DecodeError:
        return None


def transaction_of(frame: bytes) -> bytes:
    """The transaction id of what may be no valid message; empty where there is none."""
    return frame[8:HEADER_BYTES] if frame[4:8] == COOKIE_BYTES else b""


def send_indication(peer: PeerAddress, data: bytes) -> bytes:
    """Data for a peer (RFC 8656 section 11.1); indications are never signed."""
    attributes = {"XOR-PEER-ADDRESS": peer, "DATA": data}
    return StunMessage(Method.SEND, MessageClass.INDICATION, attributes).encode()


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

    ``is_channel`` says whether a channel number is in use: "HT" of an HTTP answer would
    be one, of a message that is never complete.
    """

    def __init__(self, is_channel: Callable[[int], bool]) -> None:
        self._is_channel = is_channel
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are complete now. Raises ValueError where something else comes."""
        self._buffer += data
        start = 0
        try:
            while (size := self._size(start)) is not None and len(self._buffer) >= start + size:
                frame = bytes(self._buffer[start : start + size])
                start += size
                yield frame
        finally:
            # Once for all messages: a buffer of many small ones is not copied for each.
            del self._buffer[:start]

    def _size(self, start: int) -> int | None:
        """Size of the message at ``start`` in bytes, None while its head is not there."""
        head = bytes(self._buffer[start : start + 8])
        if not head:
            return None
        if head[0] not in _FIRST_BYTES and head[0] & 0xC0 != 0x40:
            raise ValueError("neither STUN nor ChannelData")
        if len(head) < _CHANNEL_HEADER.size:
            return None
        number, length = _CHANNEL_HEADER.unpack_from(head)
        if self._is_channel(number):
            return int(_CHANNEL_HEADER.size + length + -length % 4)
        if head[0] not in _FIRST_BYTES or length % 4 or not COOKIE_BYTES.startswith(head[4:]):
            raise ValueError("neither STUN nor ChannelData")
        return HEADER_BYTES + int(length)
