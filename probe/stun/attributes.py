"""STUN attributes (RFC 8489 section 14, RFC 8656 section 18, RFC 8445 section 16).

Text is kept as the bytes that were sent: a realm in Latin-1 signs as well as one in UTF-8.
"""

import ipaddress
import struct
from collections.abc import Callable
from typing import Any

from msgspec import Struct

COOKIE = 0x2112A442
COOKIE_BYTES = struct.pack("!I", COOKIE)
DISCARDED = range(0x4000, 0x8000)
"""Attribute types that must be understood, and for which Chromium discards a message where they
are not. By RFC 8489 section 14 those below must be understood, too; it lets them pass."""

TransportAddress = tuple[str, int]
"""An address literal and a port."""

_IPV4, _IPV6 = 1, 2
_ADDRESS_BYTES = {_IPV4: 4, _IPV6: 16}
_MAX_LENGTH = 0xFFFF


class AttributeType(Struct, frozen=True):
    """One attribute: its number and name, and how its value is written and read.

    ``read`` raises ValueError for bytes that are no such value; both get the transaction id,
    which the XOR addresses of IPv6 are made with.
    """

    number: int
    name: str
    write: Callable[[Any, bytes], bytes]
    read: Callable[[bytes, bytes], Any]


def _write_bytes(value: Any, _: bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else bytes(value)
    if len(data) > _MAX_LENGTH:
        raise ValueError("longer than an attribute can be")
    return data


def _read_bytes(data: bytes, _: bytes) -> bytes:
    return data


def _write_flag(_: object, __: bytes) -> bytes:
    return b""


def _read_flag(_: bytes, __: bytes) -> None:
    return None


def _number(layout: str) -> tuple[Callable[[Any, bytes], bytes], Callable[[bytes, bytes], int]]:
    form = struct.Struct(layout)

    def write(value: object, _: bytes) -> bytes:
        return form.pack(value)

    def read(data: bytes, _: bytes) -> int:
        if len(data) != form.size:
            raise ValueError(f"{len(data)} bytes instead of {form.size}")
        return int(form.unpack(data)[0])

    return write, read


def _write_address(value: TransportAddress, _: bytes) -> bytes:
    ip = ipaddress.ip_address(value[0])
    return struct.pack("!BBH", 0, _IPV4 if ip.version == 4 else _IPV6, value[1]) + ip.packed


def _read_address(data: bytes, _: bytes) -> TransportAddress:
    if len(data) < 4:
        raise ValueError("an address of less than four bytes")
    family, port = struct.unpack_from("!xBH", data)
    if family not in _ADDRESS_BYTES:
        raise ValueError(f"the address family {family} does not exist")
    if len(data) != 4 + _ADDRESS_BYTES[family]:
        raise ValueError("the length of an address does not fit its family")
    return str(ipaddress.ip_address(data[4:])), port


def _write_xor_address(value: TransportAddress, transaction_id: bytes) -> bytes:
    return _xor(_write_address(value, transaction_id), transaction_id)


def _read_xor_address(data: bytes, transaction_id: bytes) -> TransportAddress:
    return _read_address(_xor(data, transaction_id), transaction_id)


def _xor(data: bytes, transaction_id: bytes) -> bytes:
    """RFC 8489 section 14.2: the port with the cookie's first half, the address with the
    cookie and the transaction id."""
    mask = b"\0\0" + COOKIE_BYTES[:2] + COOKIE_BYTES + transaction_id
    masked = bytes(byte ^ other for byte, other in zip(data, mask, strict=False))
    return masked + data[len(masked) :]


def _write_error(value: tuple[int, str | bytes], _: bytes) -> bytes:
    code, reason = value
    return struct.pack("!HBB", 0, code // 100, code % 100) + _write_bytes(reason, b"")


def _read_error(data: bytes, _: bytes) -> tuple[int, bytes]:
    if len(data) < 4:
        raise ValueError("an error code of less than four bytes")
    hundreds, rest = data[2] & 7, data[3]
    return hundreds * 100 + rest, data[4:]


def _read_types(data: bytes, _: bytes) -> tuple[int, ...]:
    if len(data) % 2:
        raise ValueError(f"a list of {len(data)} bytes")
    return struct.unpack(f"!{len(data) // 2}H", data)


def _write_types(value: tuple[int, ...], _: bytes) -> bytes:
    return struct.pack(f"!{len(value)}H", *value)


_BYTES = (_write_bytes, _read_bytes)
_ADDRESS = (_write_address, _read_address)
_XOR_ADDRESS = (_write_xor_address, _read_xor_address)
_UINT32, _UINT64 = _number("!I"), _number("!Q")
_CHANNEL, _PROTOCOL, _FAMILY = _number("!Hxx"), _number("!Bxxx"), _number("!Bxxx")

ATTRIBUTES: tuple[AttributeType, ...] = (
    AttributeType(0x0001, "MAPPED-ADDRESS", *_ADDRESS),
    AttributeType(0x0006, "USERNAME", *_BYTES),
    AttributeType(0x0008, "MESSAGE-INTEGRITY", *_BYTES),
    AttributeType(0x0009, "ERROR-CODE", _write_error, _read_error),
    AttributeType(0x000A, "UNKNOWN-ATTRIBUTES", _write_types, _read_types),
    AttributeType(0x000C, "CHANNEL-NUMBER", *_CHANNEL),
    AttributeType(0x000D, "LIFETIME", *_UINT32),
    AttributeType(0x0012, "XOR-PEER-ADDRESS", *_XOR_ADDRESS),
    AttributeType(0x0013, "DATA", *_BYTES),
    AttributeType(0x0014, "REALM", *_BYTES),
    AttributeType(0x0015, "NONCE", *_BYTES),
    AttributeType(0x0016, "XOR-RELAYED-ADDRESS", *_XOR_ADDRESS),
    AttributeType(0x0017, "REQUESTED-ADDRESS-FAMILY", *_FAMILY),
    AttributeType(0x0018, "EVEN-PORT", *_BYTES),
    AttributeType(0x0019, "REQUESTED-TRANSPORT", *_PROTOCOL),
    AttributeType(0x001A, "DONT-FRAGMENT", *_BYTES),
    AttributeType(0x0020, "XOR-MAPPED-ADDRESS", *_XOR_ADDRESS),
    AttributeType(0x0022, "RESERVATION-TOKEN", *_BYTES),
    AttributeType(0x0024, "PRIORITY", *_UINT32),
    AttributeType(0x0025, "USE-CANDIDATE", _write_flag, _read_flag),
    AttributeType(0x8022, "SOFTWARE", *_BYTES),
    AttributeType(0x8023, "ALTERNATE-SERVER", *_ADDRESS),
    AttributeType(0x8028, "FINGERPRINT", *_UINT32),
    AttributeType(0x8029, "ICE-CONTROLLED", *_UINT64),
    AttributeType(0x802A, "ICE-CONTROLLING", *_UINT64),
)
BY_NUMBER = {each.number: each for each in ATTRIBUTES}
BY_NAME = {each.name: each for each in ATTRIBUTES}
NUMBER_BYTES = {
    BY_NAME[name].number: size
    for name, size in (
        ("CHANNEL-NUMBER", 4),
        ("LIFETIME", 4),
        ("REQUESTED-TRANSPORT", 4),
        ("PRIORITY", 4),
        ("FINGERPRINT", 4),
        ("ICE-CONTROLLED", 8),
        ("ICE-CONTROLLING", 8),
    )
}
"""How many bytes libwebrtc reads of a number, whatever length it is said to have."""


def _numbers(*names: str) -> frozenset[int]:
    return frozenset(BY_NAME[name].number for name in names)


_IN_ALL = _numbers(
    "MAPPED-ADDRESS",
    "USERNAME",
    "MESSAGE-INTEGRITY",
    "ERROR-CODE",
    "UNKNOWN-ATTRIBUTES",
    "REALM",
    "NONCE",
    "XOR-MAPPED-ADDRESS",
    "SOFTWARE",
    "ALTERNATE-SERVER",
    "FINGERPRINT",
)
_IN_TURN = _IN_ALL | _numbers(
    "CHANNEL-NUMBER",
    "LIFETIME",
    "XOR-PEER-ADDRESS",
    "DATA",
    "XOR-RELAYED-ADDRESS",
    "EVEN-PORT",
    "REQUESTED-TRANSPORT",
    "DONT-FRAGMENT",
    "RESERVATION-TOKEN",
)
_IN_CHECKS = _IN_ALL | _numbers("PRIORITY", "USE-CANDIDATE", "ICE-CONTROLLED", "ICE-CONTROLLING")
_BINDING = 1


def known_in(method: int, *, is_request: bool) -> frozenset[int]:
    """The attributes that libwebrtc reads in such a message, and for which it refuses the message
    where they can't be read: webrtc::StunMessage, TurnMessage and, for a check, IceMessage."""
    if method != _BINDING:
        return _IN_TURN
    return _IN_CHECKS if is_request else _IN_ALL
