"""Stored times after the wall clock was set: all are moved by as much, so that order and
durations stay as they were.

Times of alerts are seconds since 1970 on a clock that begins with the wall clock at a start and is
steady from then on. What is stored says which clock that was (:class:`ClockReading`). The next
process compares it with its own: on the same boot of the machine the difference is known
exactly; after a reboot, time that would have passed backwards is known to be a step. A step forward
over a reboot can't be distinguished from a long pause.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

# A clock that is slewed, and two processes that read it one after the other, differ by less.
STEP_SECONDS = 2.0

_TIMES = frozenset(
    {
        *("since", "severe", "fired", "good", "heard", "ended", "told", "opened"),
        *("critical_since", "at", "taken"),
    }
)
_LISTS_OF_TIMES = frozenset({"flips"})
# Documents within a document, as text.
_TEXTS = frozenset({"alert", "words", "first", "resolved"})

Move = Callable[[float], float]


class ClockReading(Struct, frozen=True):
    """The clock of stored times: ``booted`` is when the machine booted by it, in seconds since
    1970, and ``boot`` which boot that was (empty: unknown). The wall clock was at ``wall`` when
    it was read, and had been set forward by ``step`` seconds since the start."""

    wall: float
    step: float = 0.0
    booted: float = 0.0
    boot: str = ""

    @property
    def uptime(self) -> float:
        """For how many seconds the machine ran when it was read."""
        return self.wall - self.step - self.booted

    def dump(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


class StoredClock:
    """Reads the clock of stored times. ``wall`` is the wall clock, ``uptime`` gives seconds
    since the boot ``boot``, those of a suspension included."""

    def __init__(
        self, wall: Callable[[], float], uptime: Callable[[], float], boot: str = ""
    ) -> None:
        self._wall, self._uptime, self._boot = wall, uptime, boot
        self._booted = wall() - uptime()

    def __call__(self) -> ClockReading:
        wall = self._wall()
        step = wall - self._uptime() - self._booted
        return ClockReading(wall, step, self._booted, self._boot)


def reading_of(document: object) -> ClockReading | None:
    """What :meth:`ClockReading.dump` gave; None for anything else."""
    try:
        known: Any = json.loads(document) if isinstance(document, str) else document
        wall, step, booted = (float(known[name]) for name in ("wall", "step", "booted"))
        return ClockReading(wall, step, booted, str(known["boot"]))
    except (KeyError, TypeError, ValueError):
        return None


class EarlierClocks:
    """By how much what earlier processes stored has to be moved to be by the clock ``now``.

    ``readings`` are all that are stored, of one process or several: the last one of each shows
    how its clock was set while it lived.
    """

    def __init__(self, readings: Iterable[ClockReading | None], now: ClockReading) -> None:
        self._now = now
        known = sorted((each for each in readings if each), key=lambda each: each.uptime)
        self._last = {(each.boot, each.booted): each for each in known}

    def step(self, stored: ClockReading | None, newest: float | None) -> float:
        """By how many seconds to move what was stored by a clock; 0: not at all. ``newest`` is
        the newest of its times, which is all that is known where no clock was stored."""
        now = self._now
        if stored is None:
            step = 0.0 if newest is None else min(0.0, now.wall - newest)
        elif stored.boot and stored.boot == now.boot:
            step = now.booted - stored.booted
        else:
            last = self._last.get((stored.boot, stored.booted), stored)
            step = last.step + min(0.0, now.wall - last.wall)
        return step if abs(step) > STEP_SECONDS else 0.0


def moved(value: object, seconds: float) -> Any:
    """JSON values with all their times moved."""
    return _each(value, lambda at: at + seconds)


def moved_text(text: str, seconds: float) -> str:
    """A stored document with all its times moved; one that is no JSON stays as it is."""
    return _each_in_text(text, lambda at: at + seconds)


def newest_time(documents: Iterable[str]) -> float | None:
    """The newest time in stored documents; None if there is none."""
    found: list[float] = []

    def note(at: float) -> float:
        found.append(at)
        return at

    for text in documents:
        _each_in_text(text, note)
    return max(found, default=None)


def _each_in_text(text: str, move: Move) -> str:
    try:
        document = json.loads(text)
        # A document that is a number is a time.
        new = move(document) if isinstance(document, float) else _each(document, move)
        return json.dumps(new, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text


def _each(value: object, move: Move) -> Any:
    if isinstance(value, Mapping):
        return {name: _field(str(name), each, move) for name, each in value.items()}
    return [_each(each, move) for each in value] if isinstance(value, list) else value


def _field(name: str, value: Any, move: Move) -> Any:
    if name in _TIMES and _is_time(value):
        return move(value)
    if name in _LISTS_OF_TIMES and isinstance(value, list):
        return [move(each) if _is_time(each) else each for each in value]
    if name in _TEXTS and isinstance(value, str):
        return _each_in_text(value, move)
    if name in _TEXTS and isinstance(value, list):
        texts = (isinstance(each, str) for each in value)
        return [_each_in_text(each, move) for each in value] if all(texts) else _each(value, move)
    return _each(value, move)


def _is_time(value: object) -> bool:
    """Zero stands for a time that is not known yet."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value != 0
