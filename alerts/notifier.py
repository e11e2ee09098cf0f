"""The interface of a notifier."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, runtime_checkable

from alerts.model import Acknowledged, Message, OpenAlert
from alerts.senders.mark import SentBy

# In a notifier's memory: this message was sent before, and may have been accepted.
REPEATED = "repeated"
# In a notifier's memory: the address that the message was sent to.
TO = "to"
# What is waited for when a connection is open, before a message is sent over it; once an attempt.
CONNECTED: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("connected", default=None)


@contextmanager
def once_connected(wait: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Sessions of this block wait for it when the first connection is open, before they send."""
    token = CONNECTED.set(wait)
    try:
        yield
    finally:
        CONNECTED.reset(token)


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
        is returned is kept for the next. It has ``REPEATED`` where an attempt before this one may
        have been accepted. Raises :class:`alerts.model.NotifyError`.
        """
        ...


@runtime_checkable
class Editing(Protocol):
    """A notifier that changes what it has sent: several of it that several probes have sent of one
    incident are all to be ended, with a message that is ``quiet``."""

    @property
    def edits(self) -> bool: ...


@runtime_checkable
class RemembersAddress(Protocol):
    """A notifier that remembers ``TO`` which address of its service it sent a message, for at
    another one nothing is known of it. ``address`` says nothing that is secret."""

    @property
    def address(self) -> str: ...


@runtime_checkable
class Verifiable(Protocol):
    """A notifier whose service can be asked whether it would accept a message."""

    async def verify(self) -> str:
        """What was found out, in words; nothing reaches any person. Raises
        :class:`alerts.model.NotifyError` if a message would not be accepted."""
        ...


class Readable(Protocol):
    """A notifier whose service can be asked what it holds; ``can_query``: with what is
    configured."""

    @property
    def name(self) -> str: ...

    @property
    def can_query(self) -> bool: ...


@runtime_checkable
class Queryable(Readable, Protocol):
    """A notifier whose service can be asked which of our incidents are open there."""

    async def open_alerts(
        self, regions: Sequence[str], groups: Sequence[str]
    ) -> Sequence[OpenAlert]:
        """What is open there of probes in ``regions`` (empty: without one), whose incidents are
        named after ``groups``. Raises :class:`alerts.model.NotifyError`."""
        ...


@runtime_checkable
class Acknowledging(Readable, Protocol):
    """A notifier at whose service people acknowledge incidents."""

    async def acknowledged(self, groups: Sequence[str]) -> Sequence[Acknowledged]:
        """Who has acknowledged open incidents of these groups. Raises
        :class:`alerts.model.NotifyError`."""
        ...


@runtime_checkable
class Attributing(Readable, Protocol):
    """A notifier whose service says who has sent the messages of an incident."""

    async def senders(self, regions: Sequence[str], groups: Sequence[str]) -> Sequence[SentBy]:
        """The marks in what is open there under the same identity as ours: of probes in
        ``regions`` (empty: without one), with incidents named after ``groups``. Raises
        :class:`alerts.model.NotifyError`."""
        ...


@runtime_checkable
class WithWarnings(Protocol):
    """A notifier whose configuration is valid and may not be what was meant."""

    @property
    def warnings(self) -> tuple[str, ...]: ...
