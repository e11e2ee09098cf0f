"""What keeps alerts from being sent now: maintenance windows and silences."""

import math
from collections.abc import Callable, Sequence

from alerts.model import Alert, Silence
from alerts.silence.maintenance_window import Window, active, next_change, suppressed_by
from alerts.silence.window_table import WindowTable


class Suppression:
    """Windows and silences by the wall clock; ``now`` is a clock that doesn't jump, and ``wall``
    gives the wall clock as it is at such a time."""

    def __init__(self, wall: Callable[[float], float]) -> None:
        self._wall = wall
        self.tables: Sequence[WindowTable] = ()
        self.silences: Sequence[Silence] = ()
        # The open windows of some tables from a wall-clock time until another one.
        self._open: tuple[Sequence[WindowTable], float, float, list[Window]] | None = None

    def windows(self, now: float) -> list[Window]:
        """Maintenance windows that are open."""
        wall, known = self._wall(now), self._open
        if known is None or known[0] is not self.tables or not known[1] <= wall < known[2]:
            until = next_change(self.tables, (), wall)
            found = active(self.tables, wall)
            known = self._open = (self.tables, wall, math.inf if until is None else until, found)
        return list(known[3])

    def suppressed_by(self, alert: Alert, now: float) -> Window | Silence | None:
        """What keeps an alert from being sent now."""
        return suppressed_by(alert, self.windows(now), self.silences, self._wall(now))

    def predicate_at(self, now: float) -> Callable[[Alert], bool]:
        """Says of any alert whether it is suppressed now; the windows are looked up once."""
        windows, wall = self.windows(now), self._wall(now)
        return lambda alert: suppressed_by(alert, windows, self.silences, wall) is not None

    def next_change(self, now: float) -> float | None:
        """When a window or silence begins or ends next; None: never again."""
        wall = self._wall(now)
        change = next_change(self.tables, self.silences, wall)
        return now + (change - wall) if change is not None else None
