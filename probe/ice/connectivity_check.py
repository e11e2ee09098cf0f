"""Connectivity checks of ICE (RFC 8445 section 7): built, answered, told from data."""

import secrets
import string
from dataclasses import dataclass
from typing import Any

from aioice.stun import Class, Message, Method

from probe.stun.message import PeerAddress

_ICE_CHARACTERS = string.ascii_letters + string.digits + "+/"
# RFC 8445 section 5.1.2.1: type preference 110 of a peer-reflexive candidate, the only
# address of its kind, component 1.
_PRIORITY = (110 << 24) | (65535 << 8) | (256 - 1)


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """One side's user name fragment and password (RFC 8445 section 5.3)."""

    fragment: str
    password: str

    @classmethod
    def random(cls) -> "IceCredentials":
        """24 bits and 128 bits at least, as the RFC asks for."""
        return cls(_random(4), _random(22))


def is_stun(packet: bytes) -> bool:
    """Whether the first byte is one of STUN's, none of DTLS' or SRTP's (RFC 7983 section 7)."""
    return bool(packet) and packet[0] < 4


def request(
    local: IceCredentials, remote: IceCredentials, tie_breaker: int, *, controlling: bool
) -> Message:
    """A signed check; the controlling side nominates with every one, as browsers do."""
    attributes: dict[str, Any] = {
        "USERNAME": f"{remote.fragment}:{local.fragment}",
        "PRIORITY": _PRIORITY,
    }
    if controlling:
        attributes |= {"ICE-CONTROLLING": tie_breaker, "USE-CANDIDATE": None}
    else:
        attributes["ICE-CONTROLLED"] = tie_breaker
    message = Message(Method.BINDING, Class.REQUEST, attributes=attributes)
    message.add_message_integrity(remote.password.encode())
    return message


def is_check_from(message: Message, local: IceCredentials, remote: IceCredentials) -> bool:
    """Whether a request is a check from this other side to us."""
    return (
        message.message_method == Method.BINDING
        and message.attributes.get("USERNAME") == f"{local.fragment}:{remote.fragment}"
        and message.check_message_integrity(local.password.encode())
    )


def response(message: Message, local: IceCredentials, peer: PeerAddress) -> Message:
    """The signed answer to a check that came from ``peer``."""
    answer = Message(
        Method.BINDING,
        Class.RESPONSE,
        transaction_id=message.transaction_id,
        attributes={"XOR-MAPPED-ADDRESS": peer},
    )
    answer.add_message_integrity(local.password.encode())
    return answer


def has_valid_integrity(message: Message, remote: IceCredentials) -> bool:
    """Whether an answer comes from who knows the other side's password."""
    return message.check_message_integrity(remote.password.encode())


def _random(length: int) -> str:
    return "".join(secrets.choice(_ICE_CHARACTERS) for _ in range(length))
