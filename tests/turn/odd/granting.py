"""Servers that are odd in Refresh, CreatePermission and ChannelBind."""

from probe.stun.codec import Method
from tests.turn.bends import REALM
from tests.turn.odd import packets
from tests.turn.odd.server import (
    BIND,
    CONNECTED,
    ENDS,
    LONG,
    NO_DTLS,
    NO_ICE,
    OK,
    OUTLASTS_A_TIMEOUT,
    PERMIT,
    REFRESH,
    OddServer,
    odd,
    refuses,
)

_PROTOCOL, _STALE, _REFUSED, _LOST = (
    "protocol_error",
    "stale_nonce",
    "allocation_refused",
    "allocation_lost",
)
_AFTER_40 = "after 40 s, when Chromium stops to wait for an answer"


def _unsigned(method: Method, lifetime: int = 600) -> dict[str, object]:
    return {"unsigned_successes": frozenset({method}), "lifetimes": (lifetime,)}


def _silent(method: Method) -> dict[str, object]:
    return {"outgoing": packets.none_for(method)}


REFRESHES: tuple[OddServer, ...] = (
    odd("LIFETIME 8, then 4, then 2", {"lifetimes": (8, 4, 2)}, CONNECTED, OK, seconds=LONG),
    odd("LIFETIME 4, then 0", {"lifetimes": (4, 0)}, ENDS, _LOST, seconds=LONG),
    odd("LIFETIME 4, then none", {"lifetimes": (4, None)}, ENDS, _PROTOCOL, seconds=LONG),
    odd("Refresh refused by 437", refuses(REFRESH, 437, lifetime=4), ENDS, _LOST, seconds=LONG),
    odd("Refresh refused by 500", refuses(REFRESH, 500, lifetime=4), ENDS, _REFUSED, seconds=LONG),
    odd(
        "Refresh refused by 500 once",
        refuses(REFRESH, 500, times=1, lifetime=4),
        ENDS,
        _REFUSED,
        seconds=LONG,
    ),
    odd(
        "Refresh refused by 438 once",
        refuses(REFRESH, 438, times=1, lifetime=4, REALM=REALM),
        CONNECTED,
        OK,
        seconds=LONG,
    ),
    odd(
        "Refresh refused by 438 once, without REALM",
        refuses(REFRESH, 438, times=1, lifetime=4),
        ENDS,
        _STALE,
        seconds=LONG,
    ),
    odd(
        "Refresh refused by 438 always",
        refuses(REFRESH, 438, lifetime=4, REALM=REALM),
        ENDS,
        _STALE,
        seconds=LONG,
    ),
    odd(
        "Refresh ignored",
        {"lifetimes": (4,), "ignores": frozenset({REFRESH})},
        ENDS,
        "deadline",
        seconds=LONG,
    ),
    odd(
        "Refresh answered unsigned",
        _unsigned(REFRESH, 4),
        ENDS,
        _PROTOCOL,
        why=_AFTER_40,
        seconds=OUTLASTS_A_TIMEOUT,
    ),
)
PERMISSIONS: tuple[OddServer, ...] = (
    odd("CreatePermission refused by 403", refuses(PERMIT, 403), NO_ICE, "peer_forbidden"),
    odd("CreatePermission refused by 500", refuses(PERMIT, 500), NO_ICE, _REFUSED),
    odd(
        "CreatePermission refused by 438 once",
        refuses(PERMIT, 438, times=1, REALM=REALM),
        CONNECTED,
        OK,
    ),
    odd(
        "CreatePermission refused by 438 five times",
        refuses(PERMIT, 438, times=5, REALM=REALM),
        CONNECTED,
        OK,
    ),
    odd(
        "CreatePermission refused by 438 always", refuses(PERMIT, 438, REALM=REALM), NO_ICE, _STALE
    ),
    odd(
        "CreatePermission refused by 438 once, without REALM",
        refuses(PERMIT, 438, times=1),
        NO_ICE,
        _STALE,
    ),
    odd(
        "CreatePermission refused by 438 with another realm",
        refuses(PERMIT, 438, times=1, REALM=b"other.test"),
        NO_ICE,
        "peer_forbidden",
    ),
    odd(
        "CreatePermission answered unsigned",
        _unsigned(PERMIT),
        ENDS,
        _PROTOCOL,
        why=_AFTER_40,
        seconds=OUTLASTS_A_TIMEOUT,
    ),
    odd(
        "CreatePermission granted without an answer",
        _silent(PERMIT),
        ENDS,
        "deadline",
        why=_AFTER_40,
        seconds=OUTLASTS_A_TIMEOUT,
    ),
    odd("CreatePermission ignored", {"ignores": frozenset({PERMIT})}, NO_ICE, "deadline"),
    odd(
        "permissions end after 3 s",
        {"permission_seconds": 3.0},
        ENDS,
        OK,
        why="after 3 s: only a run that lasts longer finds it (`media = true`)",
        seconds=LONG,
    ),
)
CHANNELS: tuple[OddServer, ...] = (
    odd("ChannelBind refused by 500", refuses(BIND, 500), NO_DTLS, _REFUSED),
    odd("ChannelBind refused by 438 once", refuses(BIND, 438, times=1, REALM=REALM), CONNECTED, OK),
    odd(
        "ChannelBind refused by 438 always",
        refuses(BIND, 438, REALM=REALM),
        CONNECTED,
        OK,
        why="data goes in Send indications",
        seconds=OUTLASTS_A_TIMEOUT,
    ),
    odd(
        "ChannelBind refused by 438 once, without REALM",
        refuses(BIND, 438, times=1),
        CONNECTED,
        OK,
        why="data goes in Send indications",
        seconds=OUTLASTS_A_TIMEOUT,
    ),
    odd(
        "ChannelBind answered unsigned",
        _unsigned(BIND),
        ENDS,
        _PROTOCOL,
        why=_AFTER_40,
        seconds=OUTLASTS_A_TIMEOUT,
    ),
    odd(
        "ChannelBind granted without an answer",
        _silent(BIND),
        ENDS,
        "deadline",
        why=_AFTER_40,
        seconds=OUTLASTS_A_TIMEOUT,
    ),
    odd(
        "ChannelBind ignored",
        {"ignores": frozenset({BIND})},
        ENDS,
        "deadline",
        why=_AFTER_40,
        seconds=OUTLASTS_A_TIMEOUT,
    ),
)
