"""Servers that are odd in authentication and in the answer to Allocate."""

import struct
from collections.abc import Callable, Sequence
from typing import Any

from probe.stun.codec import Method, StunMessage, long_term_key
from tests.turn.bends import REALM, Bends
from tests.turn.odd import packets
from tests.turn.odd.server import (
    ALLOCATE,
    CONNECTED,
    LONG,
    NO_ICE,
    NO_RELAY,
    OK,
    OddServer,
    no_relay,
    odd,
    one_time_nonce,
    refused_first,
    refuses,
)

_UNUSABLE, _HAIRPIN, _PROTOCOL = "relay_address_unusable", "hairpin_failed", "protocol_error"
_STALE, _REJECTED, _REFUSED = "stale_nonce", "auth_rejected", "allocation_refused"
_NOT_RENEWED = "browsers renew a stale nonce in every request but Allocate"
# RFC 8489 section 9.2: a nonce that offers password algorithms, and the attribute with them.
_COOKIE_NONCE = b"obMatJos2gAAA" + b"0123456789abcdef"
_BOTH = packets.attribute(0x8002, struct.pack("!HHHH", 2, 0, 1, 0))
_SHA256_ALONE = packets.attribute(0x8002, struct.pack("!HH", 2, 0))
_ELSEWHERE = {"REALM": REALM, "NONCE": b"n", "ALTERNATE-SERVER": ("192.0.2.1", 3478)}


def _relayed(ip: str, port: int = 50000) -> dict[str, Any]:
    return {"allocated": {"XOR-RELAYED-ADDRESS": (ip, port)}}


def _mapped(ip: str, port: int) -> dict[str, Any]:
    return {"allocated": {"XOR-MAPPED-ADDRESS": (ip, port)}}


def _challenge(extra: bytes = b"", **attributes: Any) -> dict[str, Any]:
    return {"outgoing": packets.challenges(attributes, extra)}


def _long(name: str, size: int) -> dict[str, Any]:
    """A 401 in which one text has this size."""
    value: Any = b"n" * size
    key = {"key": long_term_key("u", value, "p")} if name == "REALM" else {}
    found = {"REALM": REALM, "NONCE": b"n", name: (401, value) if name == "ERROR-CODE" else value}
    return {"outgoing": packets.challenges(found), **key}


def _inserted(number: int, size: int) -> dict[str, Any]:
    """An attribute that is unknown to most, in the answer to Allocate."""
    extra = packets.attribute(number, bytes(size))
    return {"outgoing": packets.answers(ALLOCATE, lambda p: (packets.inserted(p, extra),))}


def _signed(*, sha1: bool, sha256: bool) -> Callable[[], Bends]:
    """RFC 8489's algorithms: offered in the 401, and used in the answers."""
    challenge = packets.challenges({"REALM": REALM, "NONCE": _COOKIE_NONCE}, _BOTH)

    def outgoing(request: StunMessage | None, packet: bytes) -> Sequence[bytes]:
        if request is not None and packets.is_success(packet, Method(request.method)):
            return (packets.resigned(packet, sha1=sha1, sha256=sha256),)
        return challenge(request, packet)

    return lambda: Bends(outgoing=outgoing)


def _behind(request: StunMessage | None, packet: bytes) -> Sequence[bytes]:
    return (packet + bytes(4),)


ADDRESSES: tuple[OddServer, ...] = (
    odd("as RFC 8656 says", {}, CONNECTED, OK),
    odd("relayed address 0.0.0.0", _relayed("0.0.0.0"), NO_RELAY, _UNUSABLE),
    odd("relayed address of the other family", _relayed("2001:db8::7"), NO_ICE, _UNUSABLE),
    odd("relayed address ::1 of an IPv4 server", _relayed("::1"), NO_ICE, _HAIRPIN),
    odd("relayed address 224.0.0.1", _relayed("224.0.0.1"), NO_ICE, _UNUSABLE),
    odd("relayed address 255.255.255.255", _relayed("255.255.255.255"), NO_ICE, _UNUSABLE),
    odd("relayed address 169.254.7.7", _relayed("169.254.7.7"), NO_ICE, _HAIRPIN),
    odd("relayed address that is not its own", _relayed("10.255.255.1"), NO_ICE, _HAIRPIN),
    odd("relayed port 0", _relayed("127.0.0.1", 0), NO_ICE, _HAIRPIN),
    odd("relayed port 22", _relayed("127.0.0.1", 22), NO_ICE, _HAIRPIN),
    odd("mapped address 0.0.0.0", _mapped("0.0.0.0", 0), CONNECTED, OK),
    odd("mapped address of the other family", _mapped("2001:db8::7", 5), CONNECTED, OK),
    odd("IPv6 alone", {}, CONNECTED, OK, host="::1"),
    odd("IPv6 alone, by TCP", {}, CONNECTED, OK, host="::1", way="tcp"),
    odd("IPv6 alone, relays by IPv4", {"relay_host": "127.0.0.1"}, CONNECTED, OK, host="::1"),
)
LIFETIMES: tuple[OddServer, ...] = (
    odd("LIFETIME 0", {"lifetimes": (0,)}, NO_ICE, _PROTOCOL),
    odd("LIFETIME 1", {"lifetimes": (1,)}, CONNECTED, OK, seconds=LONG),
    odd("LIFETIME 4294967295", {"lifetimes": (0xFFFFFFFF,)}, CONNECTED, OK),
)
CREDENTIALS: tuple[OddServer, ...] = (
    odd(
        "Allocate refused by 438 once",
        refuses(ALLOCATE, 438, times=1, REALM=REALM),
        no_relay(438),
        _STALE,
        why=_NOT_RENEWED,
    ),
    odd(
        "Allocate refused by 438 always", refuses(ALLOCATE, 438, REALM=REALM), no_relay(438), _STALE
    ),
    odd(
        "Allocate refused by 438 with another realm",
        refuses(ALLOCATE, 438, times=1, REALM=b"other.test"),
        no_relay(438),
        _STALE,
    ),
    odd(
        "a second 401, with another nonce",
        refuses(ALLOCATE, 401, times=1, REALM=REALM),
        no_relay(401),
        _REJECTED,
    ),
    odd("401 again and again", refuses(ALLOCATE, 401, REALM=REALM), no_relay(401), _REJECTED),
    odd("each nonce serves once, then 438", one_time_nonce(438, REALM=REALM), CONNECTED, OK),
    odd("the same, without REALM in the 438", one_time_nonce(438), NO_ICE, _STALE),
    odd(
        "each nonce serves once, then 401",
        one_time_nonce(401, REALM=REALM),
        NO_ICE,
        "peer_forbidden",
    ),
    odd("401 without REALM", _challenge(NONCE=b"n"), NO_RELAY, _PROTOCOL),
    odd("401 without NONCE", _challenge(REALM=REALM), NO_RELAY, _PROTOCOL),
    odd(
        "an empty realm",
        {**_challenge(REALM=b"", NONCE=b"n"), "key": long_term_key("u", b"", "p")},
        NO_RELAY,
        _PROTOCOL,
    ),
    odd("an empty nonce", _challenge(REALM=REALM, NONCE=b""), CONNECTED, OK),
    odd("a nonce of 508 bytes", _long("NONCE", 508), CONNECTED, OK),
    odd("a nonce of 509 bytes", _long("NONCE", 509), NO_RELAY, _PROTOCOL),
    odd("a realm of 508 bytes", _long("REALM", 508), CONNECTED, OK),
    odd("a realm of 509 bytes", _long("REALM", 509), NO_RELAY, _PROTOCOL),
    odd("SOFTWARE of 764 bytes", _long("SOFTWARE", 764), CONNECTED, OK),
    odd("a reason of 763 bytes", _long("ERROR-CODE", 763), CONNECTED, OK),
    odd(
        "PASSWORD-ALGORITHMS with SHA-256 alone, signed by SHA-1",
        _challenge(_SHA256_ALONE, REALM=REALM, NONCE=_COOKIE_NONCE),
        CONNECTED,
        OK,
    ),
    odd("PASSWORD-ALGORITHMS, signed by SHA-1", _signed(sha1=True, sha256=False), CONNECTED, OK),
    odd("PASSWORD-ALGORITHMS, signed by both", _signed(sha1=True, sha256=True), CONNECTED, OK),
    odd(
        "PASSWORD-ALGORITHMS, signed by SHA-256 alone",
        _signed(sha1=False, sha256=True),
        NO_RELAY,
        _PROTOCOL,
    ),
    odd(
        "ALTERNATE-SERVER in the 401",
        {"outgoing": packets.challenges(_ELSEWHERE)},
        CONNECTED,
        OK,
    ),
)
ANSWERS: tuple[OddServer, ...] = (
    odd(
        "Allocate answered without MESSAGE-INTEGRITY",
        {"unsigned_successes": frozenset({ALLOCATE})},
        NO_RELAY,
        _PROTOCOL,
    ),
    odd(
        "Allocate answered with SOFTWARE alone",
        {"outgoing": packets.answers(ALLOCATE, lambda p: (packets.bare(p, SOFTWARE=b"x"),))},
        NO_RELAY,
        _PROTOCOL,
    ),
    odd("USERHASH in the answer", _inserted(0x1E, 32), CONNECTED, OK),
    odd("PASSWORD-ALGORITHM in the answer", _inserted(0x1D, 4), CONNECTED, OK),
    odd("RESERVATION-TOKEN in the answer", _inserted(0x22, 8), CONNECTED, OK),
    odd("ADDRESS-ERROR-CODE in the answer", _inserted(0x8001, 4), CONNECTED, OK),
    odd(
        "answers with another transaction id",
        {"outgoing": lambda q, p: (packets.other_transaction(p),) if q else (p,)},
        NO_RELAY,
        "deadline",
    ),
    odd(
        "another transaction id first, then the right one",
        {"outgoing": lambda q, p: (packets.other_transaction(p), p) if q else (p,)},
        CONNECTED,
        OK,
    ),
    odd("each answer twice", {"outgoing": lambda q, p: (p, p) if q else (p,)}, CONNECTED, OK),
    odd("4 zeros behind each answer", {"outgoing": _behind}, NO_RELAY, _PROTOCOL),
    odd(
        "an error without ERROR-CODE",
        {
            "outgoing": lambda q, p: (
                (packets.without_code(p),) if packets.is_error(p, ALLOCATE) else (p,)
            )
        },
        NO_RELAY,
        _PROTOCOL,
    ),
    odd(
        "420 with UNKNOWN-ATTRIBUTES",
        refused_first(420, "UNKNOWN-ATTRIBUTES", (0x19,)),
        no_relay(420),
        _REFUSED,
    ),
    odd("420 once", refuses(ALLOCATE, 420, times=1), no_relay(420), _REFUSED),
    odd("437 once", refuses(ALLOCATE, 437, times=1), CONNECTED, OK),
    odd("437 always", refuses(ALLOCATE, 437), no_relay(437), "allocation_lost"),
    odd(
        "486 once",
        refuses(ALLOCATE, 486, times=1),
        no_relay(486),
        OK,
        why="checks of the probe share a user's quota with each other, so they ask again",
    ),
    odd("500 once", refuses(ALLOCATE, 500, times=1), no_relay(500), _REFUSED),
    odd("508 once", refuses(ALLOCATE, 508, times=1), no_relay(508), "allocation_capacity"),
    odd("error 699", refuses(ALLOCATE, 699), no_relay(699), _REFUSED),
    odd("300 without ALTERNATE-SERVER", refuses(ALLOCATE, 300), no_relay(300), _REFUSED),
    odd(
        "300 to loopback",
        refused_first(300, "ALTERNATE-SERVER", ("127.0.0.1", 3478)),
        no_relay(300),
        _REFUSED,
    ),
)
