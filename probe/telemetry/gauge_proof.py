"""Whether an application's gauges of connections and sessions count anything.

A gauge that nothing increments reads 0, which is also what an idle application has. While a
session of the probe is open there is at least one: a gauge that reads 0 then is wired to
nothing, and its 0 is no data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from probe.core.model import Signal
from probe.telemetry.app_signals import CONNECTIONS, GAUGES, QUEUE, SESSIONS

# What is at least 1 while a session is open.
COUNTS_SESSIONS = (CONNECTIONS, SESSIONS)
# Behind one address another process may answer than the one that has the session.
READINGS_OF_ONE_ADDRESS = 3


@dataclass
class GaugeProof:
    """What is known of the gauges of one application, from one scrape to the next."""

    zeros: dict[Signal, int] = field(default_factory=dict)
    alive: set[Signal] = field(default_factory=set)
    needed: int = READINGS_OF_ONE_ADDRESS

    def add_reading(self, gauges: Mapping[Signal, float]) -> None:
        """A scrape at any time: what reads more than 0 is counted."""
        for signal, value in gauges.items():
            if value > 0:
                self.alive.add(signal)
                self.zeros.pop(signal, None)

    def add_observation(self, gauges: Mapping[Signal, float]) -> None:
        """A scrape while a session of the probe was open all the time."""
        self.add_reading(gauges)
        for signal in COUNTS_SESSIONS:
            if gauges.get(signal) == 0:
                self.alive.discard(signal)
                self.zeros[signal] = self.zeros.get(signal, 0) + 1

    def wants_observation(self, gauges: Mapping[Signal, float]) -> bool:
        """Whether the next session should be used to find out about a gauge that reads 0."""
        return any(
            gauges.get(signal) == 0
            and signal not in self.alive
            and self.zeros.get(signal, 0) < self.needed
            for signal in COUNTS_SESSIONS
        )

    def is_unwired(self, signal: Signal) -> bool:
        """Whether the gauge is proven to count nothing. The queue has no proof of its own: it
        is not believed where neither connections nor sessions are counted."""
        if signal == QUEUE:
            return QUEUE not in self.alive and all(map(self.is_unwired, COUNTS_SESSIONS))
        return self.zeros.get(signal, 0) >= self.needed

    def data(self, gauges: Mapping[Signal, float]) -> dict[Signal, float]:
        """The readings without those that are no data."""
        return {
            signal: value
            for signal, value in gauges.items()
            if value > 0 or not self.is_unwired(signal)
        }

    def fact(self, prefix: str, gauges: Mapping[Signal, float]) -> str:
        """Which gauges are no data, and how that is known; empty: none."""
        names = [
            prefix + GAUGES[signal]
            for signal, value in gauges.items()
            if value == 0 and self.is_unwired(signal)
        ]
        if not names:
            return ""
        return f"no data: {', '.join(names)} read 0 while a session of this probe was open"
