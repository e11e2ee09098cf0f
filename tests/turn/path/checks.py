"""Connectivity checks and their answers as a relay that meddles would hand them on.

An edit is a list: ``["remove", type]``, ``["set", type, hex]``, ``["flip", type]`` (its last bit),
``["retype", type, other]``, ``["append", type, hex]`` (behind all but FINGERPRINT),
``["insert", type, hex]`` (before all), ``["kind", type]`` of the message, ``["transaction"]``,
``["cookie"]``; ``["refuse", code]`` makes an error of an answer, and ``["and-right"]`` has the
right one follow. FINGERPRINT is made anew, unless ``["stale"]`` says that it stays.
"""

import binascii
import struct
from collections.abc import Iterator, Sequence
from typing import Any

USERNAME, INTEGRITY, ERROR_CODE, MAPPED = 0x0006, 0x0008, 0x0009, 0x0020
PRIORITY, USE_CANDIDATE, FINGERPRINT = 0x0024, 0x0025, 0x8028
CONTROLLED, CONTROLLING = 0x8029, 0x802A
_HEADER, _ATTRIBUTE = struct.Struct("!HH4s12s"), struct.Struct("!HH")
_FINGERPRINT_XOR = 0x5354554E
_ERROR = 0x0111

Attributes = list[tuple[int, bytes]]


def attributes_of(data: bytes) -> dict[int, bytes]:
    """Types and values of a STUN message; nothing of anything else."""
    return dict(_split(data)) if data[0] < 4 and len(data) >= _HEADER.size else {}


def edited(data: bytes, edits: Sequence[Sequence[Any]]) -> list[bytes]:
    """What arrives in the place of this message."""
    kind, _, cookie, transaction = _HEADER.unpack_from(data)
    found = list(_split(data))
    words = {each[0] for each in edits}
    for name, *rest in edits:
        if name == "kind":
            kind = rest[0]
        elif name == "transaction":
            transaction = bytes(12)
        elif name == "cookie":
            cookie = bytes(4)
        elif name == "refuse":
            kind, found = _ERROR, [(ERROR_CODE, struct.pack("!HBB", 0, *divmod(rest[0], 100)))]
            found.append((FINGERPRINT, b""))
        else:
            found = _changed(name, rest, found)
    made = _message(kind, cookie, transaction, found, is_stale="stale" in words)
    return [made, data] if "and-right" in words else [made]


def _changed(name: str, rest: Sequence[Any], found: Attributes) -> Attributes:
    if name in ("stale", "and-right"):
        return found
    number, *more = rest
    if name == "remove":
        return [each for each in found if each[0] != number]
    if name == "set":
        return [(kind, bytes.fromhex(more[0]) if kind == number else v) for kind, v in found]
    if name == "flip":
        return [
            (kind, value[:-1] + bytes((value[-1] ^ 1,)) if kind == number else value)
            for kind, value in found
        ]
    if name == "retype":
        return [(more[0] if kind == number else kind, value) for kind, value in found]
    added = (number, bytes.fromhex(more[0]))
    if name == "insert":
        return [added, *found]
    last = [each for each in found if each[0] == FINGERPRINT]
    return [*(each for each in found if each[0] != FINGERPRINT), added, *last]


def _message(
    kind: int, cookie: bytes, transaction: bytes, found: Attributes, *, is_stale: bool
) -> bytes:
    body = b""
    for number, value in found:
        if number == FINGERPRINT and not is_stale:
            head = _HEADER.pack(kind, len(body) + 8, cookie, transaction)
            value = struct.pack("!I", binascii.crc32(head + body) ^ _FINGERPRINT_XOR)
        body += _ATTRIBUTE.pack(number, len(value)) + value + bytes(-len(value) % 4)
    return _HEADER.pack(kind, len(body), cookie, transaction) + body


def _split(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = _HEADER.size
    while at + _ATTRIBUTE.size <= len(data):
        number, length = _ATTRIBUTE.unpack_from(data, at)
        at += _ATTRIBUTE.size
        yield number, data[at : at + length]
        at += length + -length % 4
