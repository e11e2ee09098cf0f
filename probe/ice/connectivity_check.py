"""Connectivity checks of ICE (RFC 8445 section 7): built, answered, distinguished from data."""

import secrets
import string
from typing import Any

from msgspec import Struct

from probe.stun import message as messages
from probe.stun.codec import MessageClass, Method, StunMessage, has_fingerprint
from probe.stun.message import PeerAddress

_ICE_CHARACTERS = string.ascii_letters + string.digits + "+/"
# RFC 8445 section 5.1.2.1: type preference 110 of a peer-reflexive candidate, the only
# address of its kind, component 1.
_PRIORITY = (110 << 24) | (65535 << 8) | (256 - 1)


class IceCredentials(Struct, frozen=True):
    """One side's user name fragment and password (RFC 8445 section 5.3)."""

    fragment: str
    password: str

    @classmethod
    def random(cls) -> "IceCredentials":
        """24 bits and 128 bits at least, as the RFC asks for."""
        return cls(_random(4), _random(22))

    @property
    def key(self) -> bytes:
        """What this side's requests are signed with (RFC 8489 section 9.1.1)."""
        return self.password.encode()


def is_stun(packet: bytes) -> bool:
    """Whether the first byte is one of STUN's, none of DTLS' or SRTP's (RFC 7983 section 7)."""
    return bool(packet) and packet[0] < 4


def read(packet: bytes) -> StunMessage | None:
    """The check or answer; None for what browsers take for no STUN: RFC 8445 section 7.1 asks for
    FINGERPRINT."""
    return messages.read_message(packet) if has_fingerprint(packet) else None


def request(
    local: IceCredentials, remote: IceCredentials, tie_breaker: int, *, controlling: bool
) -> StunMessage:
    """A check; the controlling side nominates with every one, as browsers do."""
    attributes: dict[str, Any] = {
        "USERNAME": f"{remote.fragment}:{local.fragment}",
        "PRIORITY": _PRIORITY,
    }
    if controlling:
        attributes |= {"ICE-CONTROLLING": tie_breaker, "USE-CANDIDATE": None}
    else:
        attributes["ICE-CONTROLLED"] = tie_breaker
    return StunMessage(Method.BINDING, MessageClass.REQUEST, attributes)


def is_check_from(message: StunMessage, local: IceCredentials, remote: IceCredentials) -> bool:
    """Whether a request is a check from this other side to us."""
    return (
        message.method == Method.BINDING
        and message.attributes.get("USERNAME") == f"{local.fragment}:{remote.fragment}".encode()
        and message.is_signed_with(local.key)
    )


def response(message: StunMessage, local: IceCredentials, peer: PeerAddress) -> bytes:
    """The signed answer to a check that came from ``peer``."""
    attributes = {"XOR-MAPPED-ADDRESS": peer}
    answer = StunMessage(Method.BINDING, MessageClass.RESPONSE, attributes, message.transaction_id)
    return answer.encode(local.key)


def has_valid_integrity(message: StunMessage, remote: IceCredentials) -> bool:
    """Whether an answer comes from who knows the other side's password."""
    return message.is_signed_with(remote.key)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ICE_CHARACTERS) for _ in range(length))
