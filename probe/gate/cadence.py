"""Which runs of a check are cases of their own.

A check that fails runs again and again until it passes. Each of these runs would count for the same
outage, and failures would be counted more often than successes. So a run counts where the check's
regular turn is, whatever it found: turns follow each other by the interval, and a run that follows
one that passed is a turn.
"""

import math
from dataclasses import dataclass

# A run is late for its turn by this share of an interval at most, and early by a second: what comes
# sooner is the last repetition before the turn.
LATE, EARLY_SECONDS = 0.05, 1.0
# Turns are never closer than this to a run that was counted, and seldom farther than that.
CLOSEST, FARTHEST = 0.5, 1.5


@dataclass
class Cadence:
    """The turns of one check, or of one series of its values; times in seconds since 1970."""

    interval: float
    turn: float | None = None
    counted: float = 0.0

    def counts(self, at: float, *, after_failure: bool) -> bool:
        """Whether a run at this moment is a case; ``after_failure``: the run before it failed."""
        if self.interval <= 0:
            return True
        if self.turn is None:
            self.turn = self.counted = at
            return True
        passed = at - self.counted
        if 0 <= passed < CLOSEST * self.interval:
            return False
        offset = math.remainder(at - self.turn, self.interval)
        early = min(EARLY_SECONDS, LATE * self.interval)
        is_turn = -early <= offset <= LATE * self.interval
        late = not 0 <= passed < FARTHEST * self.interval
        if not is_turn and after_failure and not late:
            return False
        if not is_turn:
            self.turn = at
        self.counted = at
        return True
