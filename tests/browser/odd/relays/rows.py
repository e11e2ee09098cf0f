"""Rows of odd relays: refusals of each request, answers that are late or from elsewhere, realms
and nonces that change, and what is carried only one way, late or in small pieces."""

import dataclasses
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from probe.stun.codec import Method, StunMessage, long_term_key
from tests.browser import odd_rows
from tests.browser.odd.relays.reasons import WHY
from tests.turn.bends import REALM, Bends, Refusal
from tests.turn.odd import packets
from tests.turn.odd.server import (
    ALLOCATE,
    BIND,
    CONNECTED,
    LONG,
    OUTLASTS_A_TIMEOUT,
    PERMIT,
    REFRESH,
    refuses,
)
from tests.turn.path.answer_front import AnswerRule
from tests.turn.path.rules import OddPath, Rule

_OUTCOMES = Path(__file__).with_name("outcomes.json")
_NAMES = {
    ALLOCATE: "Allocate",
    REFRESH: "Refresh",
    PERMIT: "CreatePermission",
    BIND: "ChannelBind",
}
_CODES = (437, 438, 441, 442, 443, 486, 508)
_REFUSED, _TIME, _PLACE = "refused requests", "late answers", "answers from elsewhere"
_LOGIN, _CARRIED = "realms and nonces that change", "carried late, one way, or small"
_FOR_A_WHILE = "what lasts only for a while"
_SHORT_LIFE, _LONGER_LIFE, _OUTLASTS_A_REFRESH = 4, 12, 16.0
_BY_A_SIDE = "nothing more by the"
_UNANSWERED = ("CreatePermission", "ChannelBind")
# The nonce of RFC 8489 section 9.2: feature bits in base64 behind a fixed cookie.
_COOKIE = b"obMatJos2"


@dataclass(frozen=True)
class OddRelay:
    """One odd relay; ``front`` is what stands before it, ``seconds`` how long a call is held. With
    ``opens`` it counts whether a call opens, not whether echoes return."""

    group: str
    name: str
    bends: Callable[[], Bends]
    way: str = "udp"
    seconds: float = 1.0
    front: AnswerRule | None = None
    opens: bool = False
    chromium: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether Chromium's users have a call."""
        return self.chromium in (CONNECTED, "opened")

    @property
    def why(self) -> str:
        """Why one of the checks differs, where one does."""
        return next((text for (_, name), text in WHY.items() if name == self.name), "")

    def why_of(self, kind: str) -> str:
        """Why this kind differs, where it does."""
        return WHY.get((kind, self.name), "")

    def concerns(self, kind: str) -> bool:
        """Whether it meets a kind: ``turn`` sends no checks, by which the sides are known."""
        return kind != "turn" or not self.name.startswith(_BY_A_SIDE)


def odd_relays() -> Sequence[OddRelay]:
    """The rows that Chromium was asked about."""
    kept = kept_outcomes()
    return [dataclasses.replace(row, chromium=kept[row.name]) for row in unasked_relays()]


def kept_outcomes() -> dict[str, str]:
    """By the rows' names."""
    return odd_rows.kept_outcomes(_OUTCOMES)


def write_outcomes(found: Mapping[str, str]) -> None:
    """Keep what Chromium makes of them."""
    odd_rows.keep_outcomes(_OUTCOMES, found)


def unasked_relays() -> Iterator[OddRelay]:
    """The rows alone."""
    yield from _refused()
    yield from _of_logins()
    yield from _late()
    yield from _from_elsewhere()
    yield from _carried()
    yield from _for_a_while()


def _refused() -> Iterator[OddRelay]:
    for method, name in _NAMES.items():
        for code in _CODES:
            for times, words in ((1, "once"), (10**9, "always")):
                realm = {"REALM": REALM} if code == 438 else {}
                life = _SHORT_LIFE if method == REFRESH else 600
                make = refuses(method, code, times=times, lifetime=life, **realm)
                seconds = LONG if method == REFRESH else 1.0
                yield OddRelay(_REFUSED, f"{name} refused by {code} {words}", make, seconds=seconds)


def _of_logins() -> Iterator[OddRelay]:
    for words, realm in (
        ("of the user name", b"u.example"),
        ("of UTF-8", "café-リレー.example".encode()),
        ("of a quotation mark and a colon", b'a":b'),
        ("that is an address in capitals", b"TURN.EXAMPLE.ORG."),
        ("of one null byte", b"\0"),
        ("with a null byte in it", b"a\0b"),
        ("with blanks around it", b"  relay  "),
        ("of bytes that are not UTF-8", b"\xff\xfe\x80"),
    ):
        yield _realm(f"a realm {words}", realm)
    for words, nonce in (
        ("with RFC 8489's cookie and no algorithms", _COOKIE + b"AAAA" + b"n" * 16),
        ("that promises algorithms and offers none", _COOKIE + b"gAAA" + b"n" * 16),
        ("that promises anonymous user names", _COOKIE + b"QAAA" + b"n" * 16),
        ("whose cookie is cut off", _COOKIE + b"g"),
        ("of RFC 8489's cookie alone", _COOKIE),
    ):
        outgoing = packets.challenges({"REALM": REALM, "NONCE": nonce})
        yield OddRelay(_LOGIN, f"a nonce {words}", partial(Bends, outgoing=outgoing))
    for method in (PERMIT, BIND, REFRESH):
        seconds, life = (LONG, _SHORT_LIFE) if method == REFRESH else (1.0, 600)
        make = _changed_realm(method, life)
        name = f"another realm from {_NAMES[method]} on, by a 438"
        yield OddRelay(_LOGIN, name, make, seconds=seconds)
    for way in ("udp", "tcp"):
        yield OddRelay(_LOGIN, f"a nonce for each request, by {way}", _one_time(), way)
        yield OddRelay(_LOGIN, f"a nonce in each success, by {way}", _next_nonce, way)


def _realm(name: str, realm: bytes) -> OddRelay:
    key = long_term_key("u", realm, "p")
    return OddRelay(_LOGIN, name, partial(Bends, realm=realm, key=key))


def _one_time() -> Callable[[], Bends]:
    def make() -> Bends:
        used: set[bytes] = set()

        def instead(request: StunMessage) -> Refusal | None:
            nonce = request.attributes["NONCE"]
            if nonce not in used:
                used.add(nonce)
                return None
            fresh = {"NONCE": os.urandom(8).hex().encode(), "REALM": REALM}
            return Refusal(438, signed=False, attributes=fresh)

        outgoing = packets.challenges({"REALM": REALM, "NONCE": None})
        return Bends(instead=instead, outgoing=outgoing)

    return make


def _next_nonce() -> Bends:
    """RFC 8489 knows no nonce in a success: what is behind the signature is ignored."""
    extra = packets.attribute(0x0015, b"another nonce")

    def outgoing(request: StunMessage | None, packet: bytes) -> Sequence[bytes]:
        if request is None or not packets.is_success(packet, Method(request.method)):
            return (packet,)
        return (packets.inserted(packet, extra),) if request.method != Method.BINDING else (packet,)

    return Bends(outgoing=outgoing)


def _changed_realm(method: Method, lifetime: int) -> Callable[[], Bends]:
    other = b"other.example"

    def make() -> Bends:
        bends = Bends(lifetimes=(lifetime,))
        seen = itertools.count()

        def instead(request: StunMessage) -> Refusal | None:
            is_deletion = request.attributes.get("LIFETIME") == 0
            if request.method != method or is_deletion or next(seen):
                return None
            bends.key, bends.realm = long_term_key("u", other, "p"), other
            return Refusal(438, signed=False, attributes={"NONCE": b"m", "REALM": other})

        bends.instead = instead
        return bends

    return make


def _late() -> Iterator[OddRelay]:
    for seconds in (0.2, 0.4, 0.8, 1.5, 3.0):
        rule = AnswerRule(late=seconds)
        name = f"everything {seconds:g} s late"
        yield OddRelay(_TIME, name, Bends, front=rule, opens=True)
    for of in ("first Allocate", "Allocate", "CreatePermission", "ChannelBind", "Refresh"):
        for seconds in (0.6, 2.5, 7.0):
            rule = AnswerRule(f"{of} answered", late=seconds)
            name = f"answers to {of} {seconds:g} s late"
            life = (_LONGER_LIFE,) if of == "Refresh" else (600,)
            held = _OUTLASTS_A_REFRESH if of == "Refresh" else 1.0
            make = partial(Bends, lifetimes=life)
            yield OddRelay(_TIME, name, make, seconds=held, front=rule)
    for again in (0.3, 1.0):
        rule = AnswerRule(again=again)
        yield OddRelay(_TIME, f"everything again after {again:g} s", Bends, front=rule)
    rule = AnswerRule("", swapped=True, count=4)
    yield OddRelay(_TIME, "the first answers swapped", Bends, front=rule)


def _from_elsewhere() -> Iterator[OddRelay]:
    for of in ("", "first Allocate", "Allocate", "CreatePermission", "ChannelBind", "relayed"):
        words = f"{of} answered" if of and of != "relayed" else of
        name = f"from another port: {words or 'everything'}"
        rule = AnswerRule(words, elsewhere=True)
        seconds = OUTLASTS_A_TIMEOUT if of in _UNANSWERED else 1.0
        yield OddRelay(_PLACE, name, Bends, seconds=seconds, front=rule)
    rule = AnswerRule(elsewhere=True, count=1)
    yield OddRelay(_PLACE, "from another port: the first answer", Bends, front=rule)


def _carried() -> Iterator[OddRelay]:
    for largest in (1000, 1150, 1180, 1196, 1200, 1228, 1252, 1280):
        yield OddRelay(_CARRIED, f"nothing above {largest} bytes", partial(Bends, largest=largest))
    for side in ("offering", "answering"):
        for first in (0, 3, 12):
            name = f"{_BY_A_SIDE} {side} side after {first} datagrams"
            yield _by_rules(name, Rule("lose", "all", side, first=first))
    for seconds in (0.5, 1.0, 2.0, 4.0):
        yield _by_rules(f"relayed {seconds:g} s late", Rule("delay", "all", value=seconds), True)
    for way in ("tcp", "tls"):
        yield _by_rules(f"relayed 2 s late, by {way}", Rule("delay", value=2.0), True, way)


def _by_rules(name: str, rule: Rule, opens: bool = False, way: str = "udp") -> OddRelay:
    return OddRelay(_CARRIED, name, lambda: Bends(path=OddPath([rule])), way, 2.0, None, opens)


def _for_a_while() -> Iterator[OddRelay]:
    for lifetimes in ((3, 3, 3), (3, 600), (10, 1, 1), (4, 2**32 - 1)):
        listed = ", then ".join(map(str, lifetimes))
        make = partial(Bends, lifetimes=lifetimes)
        yield OddRelay(_FOR_A_WHILE, f"LIFETIME {listed}", make, seconds=LONG)
    for code in (401, 403, 441, 486, 508):
        name = f"the second Refresh refused by {code}"
        yield OddRelay(_FOR_A_WHILE, name, _second_refresh(code), seconds=LONG)


def _second_refresh(code: int) -> Callable[[], Bends]:
    def make() -> Bends:
        seen = itertools.count()

        def instead(request: StunMessage) -> Refusal | None:
            is_deletion = request.attributes.get("LIFETIME") == 0
            if request.method != REFRESH or is_deletion or next(seen) < 1:
                return None
            return Refusal(code)

        return Bends(instead=instead, lifetimes=(3,))

    return make
