"""Notes to receivers about another one that refuses messages, or accepts none."""

from collections.abc import Callable

from alerts.model import Delivery, Message
from alerts.notification.meta_messages import refusal, undelivered
from alerts.outbox.outbox import Outbox
from alerts.pipeline import Pipeline

# The same refusal is not noted again sooner.
NOTE_SECONDS = 4 * 3600.0


class ReceiverNotes:
    """``now`` is in seconds since 1970; ``wake`` is called when there is something to send."""

    def __init__(
        self,
        pipeline: Pipeline,
        outbox: Outbox,
        now: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self._pipeline, self._outbox, self._now, self._wake = pipeline, outbox, now, wake
        self._noted: dict[tuple[str, str], float] = {}

    async def on_refused(self, delivery: Delivery, reason: str) -> None:
        """A notifier refuses for good: reported through the others, once for each reason."""
        now, key = self._now(), (delivery.notifier, reason)
        if now - self._noted.get(key, float("-inf")) < NOTE_SECONDS:
            return
        self._noted[key] = now
        note = refusal(delivery, reason, self._pipeline.config.region, now)
        await self._send_to_others(delivery.notifier, note)

    async def on_undelivered(self, delivery: Delivery, reason: str) -> None:
        """A notifier has accepted nothing for a while: reported through the others."""
        note = undelivered(delivery, reason, self._pipeline.config.region, self._now())
        await self._send_to_others(delivery.notifier, note)

    async def _send_to_others(self, name: str, note: Message) -> None:
        others = [other for other in self._pipeline.config.notifiers if other != name]
        await self._outbox.commit({}, [Delivery(each, note, due=note.at) for each in others])
        self._wake()
