"""What a flush of the alert pipeline gives, and what is done for it before.

When a thousand alerts fire at once, the checks go on being measured in between: what a flush does
with single alerts has turns of the event loop of its own. What alerts have in common (incidents,
messages, what is stored) is left to one turn: nothing is stored or sent before, so a process that
ends between two turns leaves what it would have left before the first.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

from alerts.model import Delivery
from alerts.notification.meta_messages import log
from alerts.notification.notification_log import Key
from alerts.state.alert_documents import PIECE
from alerts.state.alert_store import AlertStore, Event


class Flush(Struct, frozen=True):
    """What has to be stored and sent together, and what happened to alerts; pending messages of
    ``withdrawn`` (notifier and incident) are another probe's to send: those up to and including
    the named one, or all (None)."""

    deliveries: tuple[Delivery, ...] = ()
    documents: Mapping[str, str | None] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    withdrawn: Mapping[Key, Delivery | None] = field(default_factory=dict)


class Flushed(Protocol):
    """The pipeline, as far as it matters here."""

    alerts: AlertStore
    own_network_fails: bool

    def record(self, events: Sequence[Event]) -> None:
        """Something has happened to alerts."""

    def take_events(self, most: int | None = None) -> tuple[Event, ...]:
        """What has happened to alerts and was not taken yet, so many at ``most``."""


async def prepare(pipeline: Flushed, now: Callable[[], float]) -> float:
    """Do what can be done before a flush, and log what happened to alerts; the time after that.
    Anything may happen between two turns. Times are in seconds since 1970."""
    pieces = pipeline.alerts.prepare(now())
    while not pipeline.own_network_fails and (events := next(pieces, None)) is not None:
        pipeline.record(events)
        log_events(pipeline.take_events(PIECE))
        await asyncio.sleep(0)
    while more := pipeline.take_events(PIECE):
        log_events(more)
        await asyncio.sleep(0)
    return now()


def log_events(events: Iterable[Event]) -> None:
    """One line for each change of an alert."""
    for event in events:
        log(event)
