"""The interface of a notifier."""

from collections.abc import Mapping
from typing import Protocol

from alerts.model import Message


class Notifier(Protocol):
    """Sends messages to one service.

    ``name`` is unique and stable: waiting messages are addressed to it. ``sends_missed_incidents``:
    an incident that began and ended before anything could be sent is still worth a message
    (people read it; a pager has nothing to do). ``resend_seconds``: the service forgets
    what isn't repeated to it so often, so a reminder is sent each time
    while the alert fires; None: it remembers. ``pause`` seconds pass between two messages.
    """

    @property
    def name(self) -> str: ...

    @property
    def sends_missed_incidents(self) -> bool: ...

    @property
    def resend_seconds(self) -> float | None: ...

    @property
    def pause(self) -> float: ...

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Returns once the service has accepted the message.

        ``memory`` is what the last message with this key returned, empty for the first; what
        is returned is kept for the next. Raises :class:`alerts.model.NotifyError`.
        """
        ...
