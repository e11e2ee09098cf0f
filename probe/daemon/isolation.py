"""Isolates the consumers of a result: an exception in one doesn't affect the others."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

logger = logging.getLogger(__name__)

# A repeated error is logged at most once in so many seconds; all are counted.
LOG_SECONDS = 60.0


class Isolation:
    """Contains exceptions, logs them, counts them. ``clock`` is the monotonic clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._errors: dict[str, int] = {}
        self._logged_at: dict[str, float] = {}

    @property
    def errors(self) -> Mapping[str, int]:
        """How many exceptions each consumer has raised so far."""
        return dict(self._errors)

    @contextmanager
    def consumer(self, name: str) -> Iterator[None]:
        """Catch every exception."""
        try:
            yield
        except Exception:
            self._errors[name] = self._errors.get(name, 0) + 1
            now = self._clock()
            if now - self._logged_at.get(name, -LOG_SECONDS) >= LOG_SECONDS:
                self._logged_at[name] = now
                logger.exception("%s could not process a result; the others did", name)
