"""An error that comes again and again costs one log line a minute."""

import logging
import time
from collections.abc import Callable

LOG_SECONDS = 60.0
# So many sorts are distinguished; of others each line is logged.
MAX_SORTS = 200
# Of a message, what says which sort it is: addresses of objects come later.
SORT_CHARACTERS = 60


class LogRate:
    """One of each sort a minute, and a count of those held back. ``now`` is a monotonic clock in
    seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._last: dict[str, float] = {}
        self._held_back: dict[str, int] = {}

    def allows(self, sort: str) -> bool:
        """Whether one is logged now: none of its sort was in the last minute."""
        now = self._now()
        if now - self._last.get(sort, float("-inf")) < LOG_SECONDS:
            self._held_back[sort] = self._held_back.get(sort, 0) + 1
            return False
        if sort in self._last or len(self._last) < MAX_SORTS:
            self._last[sort] = now
        return True

    def held_back(self, sort: str) -> int:
        """How many were held back since the last one that was logged; counts from 0 again."""
        return self._held_back.pop(sort, 0)


class RepeatedErrors(logging.Filter):
    """Lets each sort of error through once a minute, and says how many were left out."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._rate = LogRate(now)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if record.levelno < logging.ERROR:
            return True
        error = record.exc_info[1] if record.exc_info else None
        sort = f"{type(error).__name__} {str(record.msg)[:SORT_CHARACTERS]}"
        if not self._rate.allows(sort):
            return False
        if more := self._rate.held_back(sort):
            record.msg = f"{record.getMessage()}\n{more} more of these were not logged"
            record.args = ()
        return True
