"""What describes an odd TURN server: how it deviates, and what is made of it."""

import itertools
import os
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from probe.stun.codec import Method, StunMessage
from tests.turn.bends import REALM, Bends, Refusal
from tests.turn.odd.packets import challenges

CONNECTED, NO_ICE, NO_DTLS = "connected", "ICE does not connect", "DTLS does not connect"
NO_RELAY = "no relay candidate"
ENDS = "connected, and the call ends"
OK = "ok"
LONG = 9.0
"""Seconds of a call that has to outlast a refresh."""
OUTLASTS_A_TIMEOUT = 48.0
"""Seconds of a call that has to outlast what Chromium waits for an answer."""
ALLOCATE, REFRESH, BIND = Method.ALLOCATE, Method.REFRESH, Method.CHANNEL_BIND
PERMIT = Method.CREATE_PERMISSION


class OddServer(Struct, frozen=True):
    """``bends`` makes a fresh server's deviations.

    ``chromium``, ``turn`` and ``call`` are what is made of it, the last two a cause or ``ok``;
    ``why`` explains what is not the same. ``seconds`` is how long a call is held.
    """

    name: str
    bends: Callable[[], Bends]
    chromium: str
    turn: str
    call: str
    why: str = ""
    way: str = "udp"
    seconds: float = 1.0
    host: str = "127.0.0.1"


def odd(
    name: str,
    bends: Callable[[], Bends] | dict[str, Any],
    chromium: str,
    turn: str,
    call: str | None = None,
    why: str = "",
    **options: Any,
) -> OddServer:
    """A server by its deviations; ``call`` says what ``turn`` says unless another is given."""
    make = bends if callable(bends) else (lambda: Bends(**bends))
    return OddServer(name, make, chromium, turn, call or turn, why, **options)


def refused_first(code: int, name: str, value: Any) -> Callable[[], Bends]:
    """Allocate refused with one attribute."""
    return refuses(ALLOCATE, code, **{name: value})


def no_relay(code: int) -> str:
    """What Chromium experiences where an Allocate is refused."""
    return f"{NO_RELAY} (error {code})"


def refuses(
    method: Method, code: int, *, times: int = 10**9, lifetime: int = 600, **attributes: Any
) -> Callable[[], Bends]:
    """The first requests of this method are refused; a 401 and a 438 bring a fresh nonce."""

    def make() -> Bends:
        seen = itertools.count()

        def instead(request: StunMessage) -> Refusal | None:
            is_deletion = request.attributes.get("LIFETIME") == 0
            if request.method != method or is_deletion or next(seen) >= times:
                return None
            fresh = {"NONCE": os.urandom(8).hex().encode()} if code in (401, 438) else {}
            return Refusal(code, attributes={**fresh, **attributes})

        return Bends(instead=instead, lifetimes=(lifetime,))

    return make


def one_time_nonce(code: int, **attributes: Any) -> Callable[[], Bends]:
    """Each nonce serves for one request."""

    def make() -> Bends:
        used: set[bytes] = set()

        def instead(request: StunMessage) -> Refusal | None:
            nonce = request.attributes["NONCE"]
            if nonce not in used:
                used.add(nonce)
                return None
            fresh = os.urandom(8).hex().encode()
            return Refusal(code, attributes={"NONCE": fresh, **attributes})

        return Bends(instead=instead, outgoing=challenges({"REALM": REALM, "NONCE": None}))

    return make
