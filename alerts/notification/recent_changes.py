"""Recent changes that may be the cause: a new version, another instance."""

from collections import deque
from collections.abc import Mapping

from probe.core.model import Unit
from probe.report.text.sanitize import clean
from probe.report.text.units import show

# A change that is older than this is not shown.
LATELY_SECONDS = 6 * 3600.0
FACTS = ("version", "instance")
MOST = 20


class Lately:
    """Changes of facts that checks have read; times are seconds since 1970."""

    def __init__(self) -> None:
        self._facts: dict[tuple[str, str], str] = {}
        self._changes: deque[tuple[float, str, str]] = deque(maxlen=MOST)

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

    def changes(self, now: float) -> list[str]:
        """Each change with its age, the newest first."""
        return [
            f"{check}: {change}, {show(now - at, Unit.SECONDS)} ago"
            for at, check, change in reversed(self._changes)
            if now - at <= LATELY_SECONDS
        ]
