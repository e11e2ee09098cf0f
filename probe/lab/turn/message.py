"""TURN on the wire (RFC 8656, RFC 8489): parsing, answers, ChannelData, stream framing.

Messages are `aioice.stun` messages; what that module has no word for (unknown
attributes, several peers in one request) is read from the packet itself.
"""

import hmac
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aioice import stun

Address = tuple[str, int]
"""An IPv4 literal and a port."""

CHANNEL_HEADER = 4
_COOKIE = struct.pack("!I", stun.COOKIE)
_MESSAGE_INTEGRITY, _FINGERPRINT = 0x0008, 0x8028
_UNKNOWN_ATTRIBUTES, _XOR_PEER_ADDRESS = 0x000A, 0x0012
_REQUESTED_ADDRESS_FAMILY, _EVEN_PORT = 0x0017, 0x0018
_OPTIONAL = 0x8000

_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    420: "Unknown Attribute",
    437: "Allocation Mismatch",
    438: "Stale Nonce",
    440: "Address Family not Supported",
    441: "Wrong Credentials",
    442: "Unsupported Transport Protocol",
    443: "Peer Address Family Mismatch",
    486: "Allocation Quota Reached",
    500: "Server Error",
    508: "Insufficient Capacity",
}


class Refusal(Exception):
    """A request is answered with an error response of this code.

    ``attributes`` go into the response, ``unknown`` lists the types that a 420 names.
    """

    def __init__(
        self,
        code: int,
        attributes: Mapping[str, Any] | None = None,
        unknown: Sequence[int] = (),
    ) -> None:
        super().__init__(code)
        self.code, self.attributes, self.unknown = code, dict(attributes or {}), unknown


def parse(packet: bytes) -> stun.Message | None:
    """The STUN message in ``packet``, or None if it is none."""
    if packet[4:8] != _COOKIE:
        return None
    try:
        return stun.parse_message(packet)
    except (ValueError, struct.error):
        # aioice raises struct.error for an attribute that is too short for its type.
        return None


def _attributes(packet: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Type, value and offset of each attribute of a message that `parse` accepts."""
    position = stun.HEADER_LENGTH
    while position + 4 <= len(packet):
        kind, length = struct.unpack_from("!HH", packet, position)
        yield kind, packet[position + 4 : position + 4 + length], position
        position += 4 + length + stun.padding_length(length)


def _covered_attributes(packet: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes before MESSAGE-INTEGRITY; later ones count for nothing.

    RFC 8489 section 14.5.
    """
    for kind, value, _ in _attributes(packet):
        if kind == _MESSAGE_INTEGRITY:
            return
        yield kind, value


def is_signed_with(packet: bytes, key: bytes) -> bool:
    """Whether the packet carries a MESSAGE-INTEGRITY made with ``key``."""
    for kind, value, position in _attributes(packet):
        if kind == _MESSAGE_INTEGRITY:
            return hmac.compare_digest(value, stun.message_integrity(packet[:position], key))
    return False


def unknown_attributes(packet: bytes) -> list[int]:
    """Types that must be understood and are not (RFC 8489 section 6.3)."""
    return [
        kind
        for kind, _ in _covered_attributes(packet)
        if kind < _OPTIONAL
        and kind not in stun.ATTRIBUTES_BY_TYPE
        and kind not in (_REQUESTED_ADDRESS_FAMILY, _EVEN_PORT)
    ]


def requests_other_family(packet: bytes) -> bool:
    """Whether REQUESTED-ADDRESS-FAMILY names anything but IPv4 (RFC 8656 section 18.6)."""
    return any(
        kind == _REQUESTED_ADDRESS_FAMILY and value[:1] != bytes([stun.IPV4_PROTOCOL])
        for kind, value in _covered_attributes(packet)
    )


def even_port(packet: bytes) -> int | None:
    """The flags of EVEN-PORT, if the packet has it (RFC 8656 section 18.7)."""
    for kind, value in _covered_attributes(packet):
        if kind == _EVEN_PORT:
            return value[0] if value else 0
    return None


def peers(packet: bytes) -> list[Address]:
    """Every XOR-PEER-ADDRESS: CreatePermission may carry several (RFC 8656 section 10.1)."""
    transaction_id = packet[8 : stun.HEADER_LENGTH]
    return [
        stun.unpack_xor_address(value, transaction_id)
        for kind, value in _covered_attributes(packet)
        if kind == _XOR_PEER_ADDRESS
    ]


def success(request: stun.Message, attributes: Mapping[str, Any], key: bytes | None) -> bytes:
    """A success response, signed if there is a key."""
    return _seal(_answer(request, stun.Class.RESPONSE, attributes), key)


def failure(request: stun.Message, refusal: Refusal, key: bytes | None) -> bytes:
    """An error response, signed if there is a key."""
    error = (refusal.code, _REASONS.get(refusal.code, "Refused"))
    attributes = {"ERROR-CODE": error, **refusal.attributes}
    answer = _answer(request, stun.Class.ERROR, attributes)
    if refusal.unknown:
        types = struct.pack(f"!{len(refusal.unknown)}H", *refusal.unknown)
        answer = _append(answer, _UNKNOWN_ATTRIBUTES, types)
    return _seal(answer, key)


def data_indication(peer: Address, data: bytes) -> bytes:
    """A Data indication (RFC 8656 section 11.3)."""
    attributes = {"XOR-PEER-ADDRESS": peer, "DATA": data}
    return bytes(stun.Message(stun.Method.DATA, stun.Class.INDICATION, attributes=attributes))


def _answer(request: stun.Message, kind: stun.Class, attributes: Mapping[str, Any]) -> bytes:
    method, transaction_id = request.message_method, request.transaction_id
    return bytes(stun.Message(method, kind, transaction_id, dict(attributes)))


def _seal(data: bytes, key: bytes | None) -> bytes:
    if key is not None:
        data = _append(data, _MESSAGE_INTEGRITY, stun.message_integrity(data, key))
    return _append(data, _FINGERPRINT, struct.pack("!I", stun.message_fingerprint(data)))


def _append(data: bytes, kind: int, value: bytes) -> bytes:
    padding = bytes(stun.padding_length(len(value)))
    data += struct.pack("!HH", kind, len(value)) + value + padding
    return stun.set_body_length(data, len(data) - stun.HEADER_LENGTH)


def is_channel_data(packet: bytes | bytearray) -> bool:
    """Whether the first two bits are 01 (RFC 8656 section 12)."""
    return len(packet) >= CHANNEL_HEADER and packet[0] & 0xC0 == 0x40


def channel_data(number: int, data: bytes, *, padded: bool) -> bytes:
    """A ChannelData message; streams need it padded (RFC 8656 section 12.5)."""
    padding = bytes(stun.padding_length(len(data))) if padded else b""
    return struct.pack("!HH", number, len(data)) + data + padding


def read_channel_data(packet: bytes) -> tuple[int, bytes] | None:
    """Channel number and data, or None if there is less data than announced."""
    number, length = struct.unpack_from("!HH", packet)
    data = packet[CHANNEL_HEADER : CHANNEL_HEADER + length]
    return (number, data) if len(data) == length else None


class LabFramer:
    """Cuts a byte stream into STUN messages and padded ChannelData messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are complete now.

        Raises ``ValueError`` where the stream carries anything else: the next border
        can't be found then.
        """
        self._buffer += data
        while (size := self._frame_size()) is not None and len(self._buffer) >= size:
            frame = bytes(self._buffer[:size])
            del self._buffer[:size]
            yield frame

    def _frame_size(self) -> int | None:
        """Size of the first message in bytes; None while too little of it is there."""
        if len(self._buffer) < CHANNEL_HEADER:
            return None
        _, length = struct.unpack_from("!HH", self._buffer)
        if is_channel_data(self._buffer):
            return CHANNEL_HEADER + int(length) + stun.padding_length(length)
        # RFC 8489 section 5: a message starts with 00, its length is a multiple of 4.
        cookie = bytes(self._buffer[4:8])
        if self._buffer[0] & 0xC0 or length % 4 or not _COOKIE.startswith(cookie):
            raise ValueError("neither STUN nor ChannelData")
        return stun.HEADER_LENGTH + int(length)
