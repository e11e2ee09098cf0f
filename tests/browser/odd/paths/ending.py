"""Connections to the server that end, and ports that are closed, at each moment of a session."""

from collections.abc import Iterator

from tests.browser.odd.paths.row import PathRow
from tests.turn.path.stream_front import ACCEPTED, SECURED

_ENDS, _ALERTS, _CLOSED = "TLS and TCP end", "alerts of TLS", "ICMP port unreachable"
_BEFORE = (
    "first Allocate asked",
    "first Allocate answered",
    "Allocate asked",
    "Allocate answered",
    "CreatePermission asked",
    "CreatePermission answered",
    "relayed 1",
    "relayed 3",
    "ChannelBind asked",
    "ChannelBind answered",
    "relayed 8",
    "relayed 20",
    "relayed 60",
)
_WORDS = {
    "close": "closed",
    "fin": "FIN without close_notify",
    "reset": "RST",
    "fatal": "a fatal alert",
    "notify": "close_notify alone",
    "silence": "silence",
    "part": "a part of an answer, then closed",
    "half": "FIN, and it goes on to read",
    "garbage": "HTTP, then closed",
}
_OF_TLS = ("close", "fin", "reset", "fatal", "notify")
_OF_TCP = ("close", "reset", "half")
_ODD = ("part", "garbage", "silence")
_NUMBERS = (0, 10, 20, 22, 40, 42, 43, 45, 46, 48, 50, 70, 71, 80, 86, 90, 109, 112, 120)
_AWAY, _IN_THE_CALL = (0.02, 0.3, 2.0, 60.0), ("relayed 20", "relayed 60")
_AWAY_IN_THE_CALL = (0.02, 2.0, 60.0)
_AWAY_FOR_LONG = (3.0, 4.5, 6.0, 9.0, 12.0, 16.5)
"""Seconds in which a user still waits for the call."""
_HALF_GRANTED = 7.0
_HELD = 2.0
"""Seconds of a call that ends in the middle."""


def ending() -> Iterator[PathRow]:
    """All of them."""
    yield from _connections()
    yield from _alerts()
    for moment in _BEFORE:
        for away in _AWAY if moment not in _IN_THE_CALL else _AWAY_IN_THE_CALL:
            name = f"closed for {away:g} s: {moment}"
            yield PathRow(_CLOSED, name, port={"moment": moment, "away": away}, seconds=_HELD)
    for moment in _BEFORE[:-2]:
        for away in _AWAY_FOR_LONG:
            if moment == "CreatePermission answered" and away > _HALF_GRANTED:
                continue  # which of the two has its permission is chance
            name = f"closed for {away:g} s: {moment}"
            port = {"moment": moment, "away": away}
            yield PathRow(_CLOSED, name, port=port, seconds=_HELD, opens=True)


def _connections() -> Iterator[PathRow]:
    for way, ends in (("tls", _OF_TLS), ("tcp", _OF_TCP)):
        moments = (ACCEPTED, SECURED, *_BEFORE) if way == "tls" else (ACCEPTED, *_BEFORE)
        for moment in moments:
            for how in ends:
                yield _ended(moment, how, way)
    for moment in ("first Allocate asked", "Allocate asked", "CreatePermission asked", "relayed 8"):
        for how in _ODD:
            yield _ended(moment, how, "tls")


def _alerts() -> Iterator[PathRow]:
    for number in _NUMBERS:
        yield _alert("alert", number, ACCEPTED)
    for number in (0, 90, 112):
        yield _alert("warning", number, ACCEPTED)
    for moment in (SECURED, "Allocate answered", "relayed 8"):
        yield _alert("alert", 80, moment)


def _ended(moment: str, how: str, way: str) -> PathRow:
    name = f"{moment}: {_WORDS[how]}, by {way}"
    return PathRow(_ENDS, name, way, ends=(moment, how), seconds=_HELD)


def _alert(how: str, number: int, moment: str) -> PathRow:
    name = f"{moment}: {how} {number} in the clear"
    return PathRow(_ALERTS, name, "tls", ends=(moment, f"{how} {number}"), seconds=_HELD)
