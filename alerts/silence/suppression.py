"""What keeps alerts from being sent now: maintenance windows and silences."""

import math
from collections.abc import Callable, Sequence

from alerts.model import Alert, Silence
from alerts.silence.maintenance_window import Window, active, next_change
from alerts.silence.matcher import matching
from alerts.silence.window_table import WindowTable

# Alerts whose matches are remembered.
MAX_MATCHED = 20_000

# Of windows and of silences.
_Names = tuple[tuple[str, ...], tuple[str, ...]]


class Suppression:
    """Windows and silences by the wall clock; ``now`` is a clock that doesn't jump, and ``wall``
    gives the wall clock as it is at such a time."""

    def __init__(self, wall: Callable[[float], float]) -> None:
        self._wall = wall
        self.tables: Sequence[WindowTable] = ()
        self.silences: Sequence[Silence] = ()
        # Names of the windows and silences that match alerts, by what they are matched by.
        self._matched: dict[tuple[object, ...], _Names] = {}
        self._matched_of: tuple[object, object] = ((), ())
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
        return self._reason_at(now)(alert)

    def predicate_at(self, now: float) -> Callable[[Alert], bool]:
        """Says of any alert whether it is suppressed now."""
        reason = self._reason_at(now)
        return lambda alert: reason(alert) is not None

    def _reason_at(self, now: float) -> Callable[[Alert], Window | Silence | None]:
        """Says of any alert what suppresses it now; of several, what ends last."""
        wall = self._wall(now)
        windows = {each.name: each for each in self.windows(now)}
        silences = {each.name: each for each in self.silences if each.start <= wall < each.end}
        if not windows and not silences:
            return lambda alert: None
        matched = self._matched_by()

        def reason(alert: Alert) -> Window | Silence | None:
            tables, about = matched(alert)
            holding: list[Window | Silence] = [windows[each] for each in tables if each in windows]
            holding += [silences[each] for each in about if each in silences]
            return max(holding, key=lambda each: each.end, default=None)

        return reason

    def _matched_by(self) -> Callable[[Alert], _Names]:
        """Says of any alert which windows and silences match it, whenever they hold. That stays as
        it is while they do, so thousands of alerts are compared with each of them once."""
        of = (tuple(self.tables), tuple(self.silences))
        if of != self._matched_of or len(self._matched) > MAX_MATCHED:
            self._matched_of, self._matched = of, {}
        tables, silences = of

        def matched(alert: Alert) -> _Names:
            key = (alert.identity, alert.severity, alert.cause, alert.kind, alert.region)
            known = self._matched.get((*key, alert.labels))
            if known is None:
                is_about = matching(alert)
                known = self._matched[(*key, alert.labels)] = (
                    tuple(each.name for each in tables if is_about(each.matches)),
                    tuple(each.name for each in silences if is_about(each.matches)),
                )
            return known

        return matched

    def next_change(self, now: float) -> float | None:
        """When a window or silence begins or ends next; None: never again."""
        wall = self._wall(now)
        change = next_change(self.tables, self.silences, wall)
        return now + (change - wall) if change is not None else None
