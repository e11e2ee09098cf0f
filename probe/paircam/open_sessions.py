"""While a session of the probe is open, what the backend says of its sessions can be checked.

The ``signaling`` check opens one, and lets those that want to know ask the backend before it
closes the session: nothing is opened for that purpose alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from probe.core.context import Context
from probe.core.model import CheckAborted

# For all observers of a session, which is kept open meanwhile.
OBSERVE_SECONDS = 2.0

Observer = Callable[[], Awaitable[None]]


class OpenSessions:
    """Who wants to observe one backend while a session of the probe is open there."""

    def __init__(self) -> None:
        self._observers: dict[str, Observer] = {}

    def request(self, name: str, observer: Observer) -> None:
        """Have ``observer`` called once, while the next session is open."""
        self._observers[name] = observer

    def withdraw(self, name: str) -> None:
        """Observe nothing any more."""
        self._observers.pop(name, None)

    @property
    def is_observed(self) -> bool:
        """Whether a session that is open now should be kept open for a moment."""
        return bool(self._observers)

    async def observe(self) -> None:
        """A session is open until this returns, ``OBSERVE_SECONDS`` at most. Never raises."""
        observers, self._observers = self._observers, {}
        with suppress(TimeoutError):
            async with asyncio.timeout(OBSERVE_SECONDS):
                for observer in observers.values():
                    with suppress(CheckAborted):
                        await observer()


def open_sessions(context: Context, host: str) -> OpenSessions:
    """Those of the backend at ``host`` (with its port where it isn't the scheme's own)."""
    return context.get_or_create(("open-sessions", host), OpenSessions)
