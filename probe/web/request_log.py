"""What aiohttp's server logs: malformed requests cost no line after the first in a minute."""

import logging
import time

from aiohttp.http_exceptions import HttpProcessingError

LOG_SECONDS = 60.0


class OncePerMinute(logging.Filter):
    """Lets each sort of error through once a minute; what a client did wrong is one line."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}
        self._held_back: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        error = record.exc_info[1] if record.exc_info else None
        is_theirs = isinstance(error, HttpProcessingError | ConnectionError)
        sort = "malformed" if is_theirs else type(error).__name__ + record.msg[:80]
        now = time.monotonic()
        if now - self._last.get(sort, -LOG_SECONDS) < LOG_SECONDS:
            self._held_back[sort] = self._held_back.get(sort, 0) + 1
            return False
        self._last[sort] = now
        more = self._held_back.pop(sort, 0)
        if is_theirs:
            record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
            record.msg, record.args = "malformed request; %d more in the last minute", (more,)
        return True


def server_logger() -> logging.Logger:
    """The logger for aiohttp's server."""
    logger = logging.getLogger("probe.web.server")
    if not any(isinstance(each, OncePerMinute) for each in logger.filters):
        logger.addFilter(OncePerMinute())
    return logger
