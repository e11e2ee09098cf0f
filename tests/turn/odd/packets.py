"""What an odd TURN server sends in place of what would be right."""

import hashlib
import hmac
import os
import struct
from collections.abc import Callable, Sequence
from typing import Any

from probe.stun.attributes import COOKIE
from probe.stun.codec import MessageClass, Method, StunMessage, decode
from tests.turn.bends import KEY, REALM

Outgoing = Callable[[StunMessage | None, bytes], Sequence[bytes]]
_HEADER, _ATTRIBUTE = struct.Struct("!HHI12s"), struct.Struct("!HH")
_SHA256 = 0x001C


def attribute(number: int, value: bytes) -> bytes:
    """One attribute with its padding."""
    return _ATTRIBUTE.pack(number, len(value)) + value + bytes(-len(value) % 4)


def is_success(packet: bytes, method: Method) -> bool:
    """Whether this is the success answer to such a request."""
    return packet[:2] == struct.pack("!H", method | MessageClass.RESPONSE)


def is_error(packet: bytes, method: Method) -> bool:
    """Whether this is an error answer to such a request."""
    return packet[:2] == struct.pack("!H", method | MessageClass.ERROR)


def answers(method: Method, change: Callable[[bytes], Sequence[bytes]]) -> Outgoing:
    """Change only the successes of one method."""
    return lambda request, packet: change(packet) if is_success(packet, method) else (packet,)


def challenges(attributes: dict[str, Any], extra: bytes = b"") -> Outgoing:
    """The first 401 with these attributes, and the bytes of others."""

    def change(request: StunMessage | None, packet: bytes) -> Sequence[bytes]:
        if request is None or not is_error(packet, Method.ALLOCATE):
            return (packet,)
        if "USERNAME" in request.attributes:
            return (packet,)
        found = {"ERROR-CODE": (401, b"no"), **attributes}
        if found.get("NONCE", b"") is None:
            found["NONCE"] = os.urandom(8).hex().encode()
        answer = StunMessage(request.method, MessageClass.ERROR, found, request.transaction_id)
        return (lengthened(answer.encode(), extra),)

    return change


def lengthened(packet: bytes, extra: bytes) -> bytes:
    """The packet with further attributes at its end."""
    return packet[:2] + struct.pack("!H", len(packet) - 20 + len(extra)) + packet[4:] + extra


def inserted(packet: bytes, extra: bytes) -> bytes:
    """A signed success with further attributes before its signature."""
    message = decode(packet)
    kept = {k: v for k, v in message.attributes.items() if k not in _SIGNATURES}
    bare = StunMessage(message.method, message.message_class, kept, message.transaction_id)
    return signed(lengthened(bare.encode(), extra))


_SIGNATURES = ("MESSAGE-INTEGRITY", "FINGERPRINT")


def signed(packet: bytes, *, sha1: bool = True, sha256: bool = False) -> bytes:
    """The packet signed by one algorithm, the other, or both (RFC 8489 section 14.6)."""
    if sha1:
        digest = hmac.digest(KEY, lengthened(packet, bytes(24))[: len(packet)], "sha1")
        packet = lengthened(packet, attribute(0x0008, digest))
    if sha256:
        key = hashlib.sha256(b"u:" + REALM + b":p").digest()
        digest = hmac.digest(key, lengthened(packet, bytes(36))[: len(packet)], "sha256")
        packet = lengthened(packet, attribute(_SHA256, digest))
    return packet


def resigned(packet: bytes, *, sha1: bool, sha256: bool) -> bytes:
    """A signed success with other signatures."""
    message = decode(packet)
    kept = {k: v for k, v in message.attributes.items() if k not in _SIGNATURES}
    bare = StunMessage(message.method, message.message_class, kept, message.transaction_id)
    return signed(bare.encode(), sha1=sha1, sha256=sha256)


def other_transaction(packet: bytes) -> bytes:
    """The packet for a request that was never sent."""
    return packet[:8] + bytes(12) + packet[20:]


def bare(packet: bytes, **attributes: Any) -> bytes:
    """A success with no other attributes than these, signed."""
    message = decode(packet)
    answer = StunMessage(message.method, message.message_class, attributes, message.transaction_id)
    return answer.encode(KEY)


def header(kind: int, length: int, transaction_id: bytes) -> bytes:
    """A STUN header."""
    return _HEADER.pack(kind, length, COOKIE, transaction_id)


def longer_channel_data(by: int) -> Outgoing:
    """ChannelData whose length says more (or less) than there is."""

    def change(request: StunMessage | None, packet: bytes) -> Sequence[bytes]:
        if packet[0] & 0xC0 != 0x40:
            return (packet,)
        number, length = _ATTRIBUTE.unpack_from(packet)
        return (_ATTRIBUTE.pack(number, max(0, length + by)) + packet[4:],)

    return change


def beside_data(*others: Callable[[bytes], bytes]) -> Outgoing:
    """Relayed data, with these packets sent before each."""

    def change(request: StunMessage | None, packet: bytes) -> Sequence[bytes]:
        return (packet,) if request is not None else (*(each(packet) for each in others), packet)

    return change


def data_indication(peer: tuple[str, int], data: bytes) -> bytes:
    """Data of a peer."""
    attributes = {"XOR-PEER-ADDRESS": peer, "DATA": data}
    return StunMessage(Method.DATA, MessageClass.INDICATION, attributes).encode()


def none_for(method: Method) -> Outgoing:
    """No answer to such requests, though they have their effect."""
    return lambda request, packet: (
        () if request is not None and request.method == method else (packet,)
    )


def without_code(packet: bytes) -> bytes:
    """An error that does not say which."""
    message = decode(packet)
    kept = {k: v for k, v in message.attributes.items() if k not in (*_SIGNATURES, "ERROR-CODE")}
    answer = StunMessage(message.method, message.message_class, kept, message.transaction_id)
    return answer.encode()
