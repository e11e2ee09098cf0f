"""What happens to a simulated monitor and its surroundings, all of it drawn from a seed."""

import dataclasses
import errno
import sqlite3
from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal

from msgspec import Struct, field

HOUR = 3600.0
# Nothing goes wrong in the last part, so that everything has to come to its end.
CALM_SECONDS = 0.75 * HOUR

# fmt: off
Kind = Literal[
    "outage", "refuse", "reject", "hang", "lose", "full", "broken", "torn", "stalled", "step",
    "kill", "stop", "silence", "window", "reload", "network", "suspend", "rename",
]
# fmt: on
DISK: tuple[Kind, ...] = ("full", "broken", "torn", "stalled")
OPERATOR = ("silence", "window", "reload", "rename")
RECEIVERS = ("pager", "chat")


class Fault(Struct, frozen=True):
    """Something that goes wrong to ``whom`` from ``start`` to ``end``; seconds of the run."""

    kind: Kind
    whom: str
    start: float
    end: float
    size: float = 0.0

    def covers(self, at: float) -> bool:
        """Whether it lasts at a time."""
        return self.start <= at < self.end


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """A run: its faults, and how long it takes."""

    seed: int
    checks: tuple[str, ...]
    faults: tuple[Fault, ...]
    seconds: float
    _by_kind: Mapping[str, Sequence[Fault]] = dataclasses.field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        found: dict[str, list[Fault]] = {}
        for fault in self.faults:
            found.setdefault(fault.kind, []).append(fault)
        object.__setattr__(self, "_by_kind", found)

    def active(self, kind: Kind, whom: str, at: float) -> Fault | None:
        """The fault of a kind that lasts at a time."""
        for fault in self._by_kind.get(kind, ()):
            if fault.start <= at < fault.end and fault.whom == whom:
                return fault
        return None

    def of(self, *kinds: Kind) -> list[Fault]:
        """All faults of some kinds."""
        if len(kinds) == 1:
            return list(self._by_kind.get(kinds[0], ()))
        return [fault for fault in self.faults if fault.kind in kinds]

    def without(self, *faults: Fault) -> "Scenario":
        """The same run without some faults."""
        return dataclasses.replace(
            self, faults=tuple(each for each in self.faults if each not in faults)
        )


class Weights(Struct, frozen=True):
    """How many faults of each kind there are in an hour."""

    per_hour: Mapping[Kind, float] = field(
        default_factory=lambda: {
            "outage": 4.0,
            "refuse": 1.2,
            "reject": 0.5,
            "hang": 0.6,
            "lose": 1.2,
            "full": 0.6,
            "broken": 0.5,
            "torn": 0.5,
            "stalled": 0.8,
            "step": 0.6,
            "kill": 2.0,
            "stop": 2.0,
            "silence": 0.8,
            "window": 0.5,
            "reload": 0.5,
            "network": 0.6,
            "suspend": 0.4,
            "rename": 0.4,
        }
    )


def scenario(seed: int, hours: float = 6.0, weights: Weights | None = None) -> Scenario:
    """The run of a seed."""
    random = Random(seed)
    busy = max(HOUR, hours * HOUR - CALM_SECONDS)
    checks = tuple(f"check-{number}" for number in range(random.randint(1, 4)))
    faults: list[Fault] = []
    for kind, per_hour in (weights or Weights()).per_hour.items():
        count = round(random.expovariate(1.0) * per_hour * busy / HOUR)
        faults += [some_fault(kind, random, checks, busy) for _ in range(min(count, 12))]
    faults.sort(key=lambda fault: fault.start)
    return Scenario(seed, checks, tuple(faults), busy + CALM_SECONDS)


def some_fault(kind: Kind, random: Random, checks: tuple[str, ...], busy: float) -> Fault:
    """A fault of a kind by chance, within so many seconds."""
    start = random.uniform(60.0, busy)
    if kind == "kill":
        # After so many storage jobs, which is between any two of them.
        return Fault(kind, "process", start, busy, size=random.randint(0, 12))
    if kind == "stop":
        # After so many turns of the loop, which is at any await.
        return Fault(kind, "process", start, busy, size=random.randint(0, 60))
    if kind == "step":
        return Fault(
            kind, "clock", start, busy, size=random.choice([-1, 1]) * random.uniform(5, 9e3)
        )
    if kind == "suspend":
        # For so many seconds, which no clock counts but those that go on in a suspended machine.
        return Fault(kind, "clock", start, busy, size=random.uniform(5.0, 9e3))
    if kind in DISK:
        whom = random.choice(["outbox", "journal", "all"])
        return Fault(kind, whom, start, min(busy, start + random.uniform(5.0, 1200.0)))
    if kind == "outage":
        lasts = random.choice([random.uniform(10, 90), random.uniform(90, 600), 1500.0])
        return Fault(kind, random.choice(checks), start, min(busy, start + lasts))
    if kind in OPERATOR:
        lasts = random.uniform(20.0, 1500.0)
        return Fault(kind, random.choice(checks), start, min(busy, start + lasts))
    whom = "own" if kind == "network" else random.choice(RECEIVERS)
    return Fault(kind, whom, start, min(busy, start + random.uniform(5.0, 900.0)))


def disk_full() -> sqlite3.OperationalError | OSError:
    """What a full disk raises."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


def io_error() -> sqlite3.OperationalError:
    """What a disk raises that can't be read or written."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error


def no_space() -> OSError:
    """What a full disk raises for a plain file."""
    return OSError(errno.ENOSPC, "No space left on device")
