"""Recent changes that may be the cause: a deployment, a new version, another instance."""

from collections import deque
from collections.abc import Mapping, Sequence

from msgspec import Struct

from probe.core.model import Unit
from probe.report.text.sanitize import clean
from probe.report.text.units import show

# A change that is older than this is not shown.
RECENT_SECONDS = 6 * 3600.0
FACTS = ("version", "instance")
MAX_CHANGES = 20


class Marker(Struct, frozen=True):
    """Something that people or their tools have noted: a deployment, say; ``at`` is in seconds
    since 1970."""

    at: float
    text: str

    def before(self, since: float) -> str:
        """How it stands to an incident that began at ``since``."""
        apart = show(abs(since - self.at), Unit.SECONDS)
        if since >= self.at:
            return f"{self.text}: the incident began {apart} after it"
        return f"{self.text}: {apart} after the incident began"


class FactChange(Struct, frozen=True):
    """A fact that a check reads is another one now."""

    at: float
    check: str
    fact: str
    text: str


class RecentChanges:
    """Changes of facts that checks have read, and markers; times are seconds since 1970.

    ``new`` are changes that have not been taken up yet.
    """

    def __init__(self) -> None:
        self.new: list[FactChange] = []
        self._markers: tuple[Marker, ...] = ()
        self._facts: dict[tuple[str, str], str] = {}
        self._changes: deque[tuple[float, str, str]] = deque(maxlen=MAX_CHANGES)

    def note(self, check: str, facts: Mapping[str, str], now: float) -> None:
        """A check has read facts."""
        for name in FACTS:
            value = facts.get(name)
            if not value:
                continue
            before = self._facts.get((check, name))
            self._facts[check, name] = value
            if before is not None and before != value:
                change = f"{name} {clean(before)} → {clean(value)}"
                # Several checks read the same backend.
                if not any(known == change for _, _, known in self._changes):
                    self._changes.append((now, check, change))
                    self.new.append(FactChange(now, check, name, change))
                    del self.new[:-MAX_CHANGES]

    def set_markers(self, markers: Sequence[Marker]) -> None:
        """These are the markers, the newest first."""
        self._markers = tuple(markers[:MAX_CHANGES])

    def markers(self, now: float) -> tuple[Marker, ...]:
        """Recent markers, the newest first."""
        return tuple(each for each in self._markers if now - each.at <= RECENT_SECONDS)

    def changes(self, now: float) -> list[str]:
        """Each change with its age, the newest first."""
        return [
            f"{check}: {change}, {show(now - at, Unit.SECONDS)} ago"
            for at, check, change in reversed(self._changes)
            if now - at <= RECENT_SECONDS
        ]
