"""How a load went over time, in at most so many slots, however long it is."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_SLOTS = 120
# Latencies are kept in steps of 9 %, which is finer than a plot shows.
_STEPS_PER_OCTAVE = 8
_LEAST = 1e-6


@dataclass
class Slot:
    """One stretch of a load: outcomes of steps, latencies by step, most users at a time."""

    passed: int = 0
    failed: int = 0
    not_measured: int = 0
    users: int = 0
    latencies: dict[str, Counter[int]] = field(default_factory=dict)

    def quantile(self, step: str, share: float) -> float | None:
        """Seconds, to 9 %; None where the step has no value here."""
        found = self.latencies.get(step)
        if not found:
            return None
        rank = math.ceil(share * found.total())
        for bucket in sorted(found):
            rank -= found[bucket]
            if rank <= 0:
                return float(_LEAST * 2 ** ((bucket + 0.5) / _STEPS_PER_OCTAVE))
        return None


class Timeline:
    """Slots of ``width`` seconds from the start of the load."""

    def __init__(self, duration: float) -> None:
        self.width = max(1.0, duration / MAX_SLOTS)
        self.slots: list[Slot] = []

    def at(self, seconds: float) -> Slot:
        """The slot of a moment, in seconds from the start; the last one for what is later."""
        number = min(max(int(seconds / self.width), 0), 2 * MAX_SLOTS)
        while len(self.slots) <= number:
            self.slots.append(Slot())
        return self.slots[number]

    def record(self, seconds: float, step: str, latency: float) -> None:
        """A step took so long, and ended so many seconds after the start."""
        slot = self.at(seconds)
        bucket = int(_STEPS_PER_OCTAVE * math.log2(max(latency, _LEAST) / _LEAST))
        slot.latencies.setdefault(step, Counter())[bucket] += 1

    def dump(self) -> list[Any]:
        """As JSON can hold it."""
        return [
            [
                slot.passed,
                slot.failed,
                slot.not_measured,
                slot.users,
                {step: list(found.items()) for step, found in slot.latencies.items()},
            ]
            for slot in self.slots
        ]

    def add(self, slots: list[Any]) -> None:
        """Merge what ``dump`` gave, of a timeline of the same width."""
        for number, (passed, failed, not_measured, users, latencies) in enumerate(slots):
            slot = self.at((number + 0.5) * self.width)
            slot.passed += passed
            slot.failed += failed
            slot.not_measured += not_measured
            slot.users += users
            _add(slot, latencies)


def _add(slot: Slot, latencies: Mapping[str, Any]) -> None:
    for step, found in latencies.items():
        slot.latencies.setdefault(step, Counter()).update({int(b): int(n) for b, n in found})
