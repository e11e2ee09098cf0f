"""Queries to receivers that can be asked; each reason of a failure is logged once."""

import logging
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from alerts.model import NotifyError

logger = logging.getLogger(__name__)

T = TypeVar("T")


class ReceiverQueries:
    """``subject`` is what receivers are asked, for the log."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._failing: dict[str, str] = {}

    async def answer(self, notifier: str, query: Awaitable[Sequence[T]]) -> Sequence[T]:
        """What a receiver answers; nothing where it can't be asked now."""
        try:
            found = await query
        except NotifyError as error:
            if self._failing.get(notifier) != error.reason:
                logger.warning("%s can't be asked %s: %s", notifier, self._subject, error.reason)
            self._failing[notifier] = error.reason
            return ()
        self._failing.pop(notifier, None)
        return found
