"""What aiohttp's server logs: malformed requests cost no line after the first in a minute."""

import logging

from aiohttp.http_exceptions import HttpProcessingError

from probe.diagnostics.repeated_errors import LogRate


class OncePerMinute(logging.Filter):
    """Lets each sort of error through once a minute; what a client did wrong is one line."""

    def __init__(self) -> None:
        super().__init__()
        self._rate = LogRate()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        error = record.exc_info[1] if record.exc_info else None
        is_theirs = isinstance(error, HttpProcessingError | ConnectionError)
        sort = "malformed" if is_theirs else type(error).__name__ + record.msg[:80]
        if not self._rate.allows(sort):
            return False
        more = self._rate.held_back(sort)
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
