"""Isolates the consumers of a result: an exception in one doesn't affect the others."""

import logging
import time
from collections.abc import Callable, Mapping
from types import TracebackType

logger = logging.getLogger(__name__)

# A repeated error is logged at most once in so many seconds; all are counted.
LOG_SECONDS = 60.0


class Isolation:
    """Contains exceptions, logs them, counts them. ``clock`` is the monotonic clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._errors: dict[str, int] = {}
        self._logged_at: dict[str, float] = {}
        self._containments: dict[str, Containment] = {}

    @property
    def errors(self) -> Mapping[str, int]:
        """How many exceptions each consumer has raised so far."""
        return dict(self._errors)

    def consumer(self, name: str) -> "Containment":
        """Catch every exception within it. The same object each time: it has no state."""
        found = self._containments.get(name)
        if found is None:
            found = self._containments[name] = Containment(self, name)
        return found

    def note(self, name: str, error: Exception) -> None:
        """A consumer has raised."""
        self._errors[name] = self._errors.get(name, 0) + 1
        now = self._clock()
        if now - self._logged_at.get(name, -LOG_SECONDS) >= LOG_SECONDS:
            self._logged_at[name] = now
            logger.error("%s could not process a result; the others did", name, exc_info=error)


class Containment:
    """Around what one consumer does with a result; entered many times for each run."""

    __slots__ = ("_isolation", "_name")

    def __init__(self, isolation: Isolation, name: str) -> None:
        self._isolation, self._name = isolation, name

    def __enter__(self) -> None:
        """Nothing is to be prepared."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, Exception):
            self._isolation.note(self._name, error)
            return True
        return False
