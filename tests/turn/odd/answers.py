"""What a row of data says that a TURN or STUN server sends in place of what would be right.

An answer is ``"right"``, ``{"raw": hex}`` or an object: ``attributes`` are triples of type, value
and (where it is not the value's) length; ``type``, ``cookie``, ``length``, ``transaction`` replace
what is in the header, ``tail`` follows the message. A value is hexadecimal digits, or a name of
what is right there: ``$relayed``, ``$mapped``, ``$plain-mapped``, ``$integrity`` and so on, with
``:wrong`` behind it for one that is not. ChannelData has ``channel``, ``length``, ``pad``.
"""

import binascii
import hmac
import ipaddress
import itertools
import struct
from collections.abc import Sequence
from typing import Any

from probe.stun.attributes import BY_NAME, COOKIE
from probe.stun.codec import Method, StunMessage, decode
from tests.turn.bends import KEY
from tests.turn.odd.packets import Outgoing

_RIGHT = {
    "$relayed": "XOR-RELAYED-ADDRESS",
    "$mapped": "XOR-MAPPED-ADDRESS",
    "$lifetime": "LIFETIME",
    "$realm": "REALM",
    "$nonce": "NONCE",
    "$peer": "XOR-PEER-ADDRESS",
    "$data": "DATA",
    "$code": "ERROR-CODE",
}
_FINGERPRINT_XOR = 0x5354554E
_METHODS = {
    "challenge": Method.ALLOCATE,
    "allocate": Method.ALLOCATE,
    "refresh": Method.REFRESH,
    "permission": Method.CREATE_PERMISSION,
    "bind": Method.CHANNEL_BIND,
    "binding": Method.BINDING,
}


def as_row_says(on: str, answers: Sequence[Any], times: int | None = None) -> Outgoing:
    """Replace the answers to one kind of request, or relayed ``data``; the first ``times``."""
    seen = itertools.count()

    def change(request: StunMessage | None, packet: bytes) -> Sequence[bytes]:
        if not _concerns(on, request, packet) or (times is not None and next(seen) >= times):
            return (packet,)
        return [_made(each, packet) for each in answers]

    return change


def _concerns(on: str, request: StunMessage | None, packet: bytes) -> bool:
    if request is None:
        return on == ("channel" if packet[0] & 0xC0 else "indication")
    if on not in _METHODS or request.method != _METHODS[on]:
        return False
    if on == "challenge":
        return "USERNAME" not in request.attributes
    return packet[0] == 1 and request.attributes.get("LIFETIME") != 0 and not packet[1] & 0x10


def _made(answer: Any, packet: bytes) -> bytes:
    if answer == "right":
        return packet
    if "raw" in answer:
        return bytes.fromhex(answer["raw"])
    if "after" in answer:
        return packet + bytes.fromhex(answer["after"])
    if "cut" in answer:
        return packet[: answer["cut"]]
    return _channel(answer, packet) if packet[0] & 0xC0 else _message(answer, packet)


def _channel(answer: dict[str, Any], packet: bytes) -> bytes:
    number, length = struct.unpack_from("!HH", packet)
    data = packet[4 : 4 + length]
    head = struct.pack("!HH", number + answer.get("channel", 0), length + answer.get("length", 0))
    pad = answer.get("pad")
    return head + data + (packet[4 + length :] if pad is None else bytes.fromhex(pad))


def _message(answer: dict[str, Any], packet: bytes) -> bytes:
    message = decode(packet)
    transaction = bytes.fromhex(answer.get("transaction", "")) or message.transaction_id
    kind = bytes.fromhex(answer.get("type", "")) or packet[:2]
    cookie = bytes.fromhex(answer.get("cookie", "")) or struct.pack("!I", COOKIE)
    body = b""
    for each in answer["attributes"]:
        number, text, *length = each
        head = kind + struct.pack("!H", len(body)) + cookie + transaction
        value = _value(text, message, head, body)
        size = length[0] if length else len(value)
        body += struct.pack("!HH", number, size) + value + bytes(-len(value) % 4)
    length_said = len(body) + answer.get("length", 0)
    tail = bytes.fromhex(answer.get("tail", ""))
    return kind + struct.pack("!H", length_said) + cookie + transaction + body + tail


def _value(text: str, message: StunMessage, head: bytes, body: bytes) -> bytes:
    if not text.startswith("$"):
        return bytes.fromhex(text)
    name, _, how = text.partition(":")
    value = _right(name, message, head, body)
    if how == "wrong":
        return bytes((value[0] ^ 0xFF,)) + value[1:]
    return value + bytes.fromhex(how)


def _right(name: str, message: StunMessage, head: bytes, body: bytes) -> bytes:
    if name == "$integrity":
        covered = head[:2] + struct.pack("!H", len(body) + 24) + head[4:] + body
        return hmac.digest(KEY, covered, "sha1")
    if name == "$fingerprint":
        covered = head[:2] + struct.pack("!H", len(body) + 8) + head[4:] + body
        return struct.pack("!I", binascii.crc32(covered) ^ _FINGERPRINT_XOR)
    if name.startswith("$plain-"):
        ip, port = message.attributes[_RIGHT["$" + name.removeprefix("$plain-")]]
        return struct.pack("!BBH", 0, 1, port) + ipaddress.ip_address(ip).packed
    kind = BY_NAME[_RIGHT[name]]
    return kind.write(message.attributes[kind.name], message.transaction_id)
