"""Sends the pending messages of the outbox to the notifiers, independently of everything else.

Each notifier has a queue of its own, so that a slow service delays no other. In a queue one
message is sent at a time; while the oldest one of a key waits for its next attempt, the
later ones of that key wait behind it and other keys go on. A message leaves the outbox only
after it was delivered or refused for good, so a process that ends at any moment loses
nothing and at worst sends its last message again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from random import Random

from msgspec.structs import replace

from alerts.model import Delivery, MessageType, NotifyError
from alerts.notification.dedup import collapse
from alerts.notification.receiver_queue import ReceiverHealth, ReceiverQueue, SendAttempt
from alerts.notifier import REPEATED, Notifier, once_connected
from alerts.outbox.outbox import Outbox
from alerts.outbox.retry import retry_seconds, urgency
from alerts.outbox.wall_time import by_wall_clock
from probe.net.tasks import is_cancelled

DEADLINE_SECONDS = 35.0
# After a fault of our own, so as not to spin.
RECOVERY_SECONDS = 5.0
NOT_CONFIGURED = "this notifier is not configured any more"

OnRefused = Callable[[Delivery, str], Awaitable[None]]
OnDelivered = Callable[[Delivery], None]

logger = logging.getLogger(__name__)


class Dispatcher:
    """Sends what is in an outbox; a dispatcher is the only one that does.

    ``clock`` is monotonic, ``now`` the wall clock, steadied, and ``wall`` as it is, by which
    messages are sent. ``on_refused`` is called with a message that was refused for good, once for
    each reason until one is delivered, notes excepted: a note reports a refusal, and one that
    is refused itself must not cause another. ``on_undelivered`` is called once for a receiver
    that has accepted nothing for 2 min. ``on_delivered`` is called with every message that was
    accepted, ``on_rejected`` with every one that was refused for good, ``on_dropped`` with
    notifier and incident of an end that is never sent. ``hold`` says for how many seconds a
    message that is due is to be kept back, because it is not known to be true. ``mark`` is the
    sender's (:mod:`alerts.senders.mark`). ``once_connected`` is waited for when
    a receiver can be reached, before a message is sent to it. A send has ``deadline`` seconds.
    """

    def __init__(
        self,
        outbox: Outbox,
        notifiers: Mapping[str, Notifier],
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
        wall: Callable[[], float] | None = None,
        random: Random,
        on_refused: OnRefused,
        on_undelivered: OnRefused | None = None,
        on_delivered: OnDelivered = lambda _: None,
        on_rejected: OnDelivered = lambda _: None,
        on_dropped: Callable[[tuple[str, str]], None] = lambda key: None,
        hold: Callable[[Delivery], float] = lambda delivery: 0.0,
        mark: Callable[[], str] = lambda: "",
        once_connected: Callable[[Delivery], Awaitable[None]] | None = None,
        deadline: float = DEADLINE_SECONDS,
    ) -> None:
        self._outbox = outbox
        self._queues = {
            name: ReceiverQueue(notifier, ReceiverHealth(clock()))
            for name, notifier in notifiers.items()
        }
        self._on_undelivered = on_undelivered
        self._clock, self._now, self._random, self._wall = clock, now, random, wall or now
        self._on_refused, self._on_delivered = on_refused, on_delivered
        self._on_rejected = on_rejected
        self._deadline, self._hold, self._on_dropped = deadline, hold, on_dropped
        self._stopping, self._mark, self._once_connected = False, mark, once_connected or _at_once
        self._workers: list[asyncio.Task[None]] = []
        self._ended = asyncio.Event()
        self._ended.set()

    @property
    def health(self) -> Mapping[str, ReceiverHealth]:
        """The health of each notifier."""
        return {name: queue.health for name, queue in self._queues.items()}

    async def run(self) -> None:
        """Send until :meth:`stop` or cancelled."""
        self._ended.clear()
        try:
            async with asyncio.TaskGroup() as group:
                self._workers = [group.create_task(self._guarded(self._drop_unconfigured))]
                for queue in self._queues.values():
                    self._workers.append(group.create_task(self._work(queue)))
        finally:
            self._ended.set()

    def wake(self) -> None:
        """Something was added to the outbox, or time has passed: check again."""
        for queue in self._queues.values():
            queue.woken.set()

    async def withdraw(self, notifier: str, key: str, last: int | None = None) -> None:
        """Another probe sends what waits for a notifier under a key, up to a ``last`` number if
        there is one: an attempt under way ends, and nothing of it is tried again."""
        queue = self._queues.get(notifier)
        if queue is not None and queue.attempt is not None and queue.attempt.is_of(key, last):
            queue.attempt.withdraw()
        await self._outbox.withdraw(notifier, key, last)

    async def stop(self, timeout: float) -> None:
        """Start nothing more; a send in progress has ``timeout`` seconds, then is cancelled.

        What was cancelled is in the outbox and is sent when the next dispatcher runs.
        """
        self._stopping = True
        self.wake()
        try:
            async with asyncio.timeout(timeout):
                await self._ended.wait()
        except TimeoutError:
            for worker in self._workers:
                worker.cancel()
            await self._ended.wait()

    async def _work(self, queue: ReceiverQueue) -> None:
        while not self._stopping:
            # Cleared first, so that a wake-up during the step is not missed.
            queue.woken.clear()
            wait: float | None = RECOVERY_SECONDS
            try:
                wait = await self._step(queue)
            except Exception as error:
                logger.error("sending to %s: %s", queue.notifier.name, type(error).__name__)
            await _woken(queue.woken, wait)

    async def _step(self, queue: ReceiverQueue) -> float | None:
        """Send at most one; seconds until there is more to do, None: until woken."""
        queue.health.moved = self._clock()
        if (rest := queue.free_at - self._clock()) > 0:
            return rest
        heads = queue.heads(await self._deliveries_of(queue))
        waits = {head.number: self._wait(queue, head) for head in heads}
        if not waits:
            return None

        def order(each: Delivery) -> tuple[float, int, int]:
            return waits[each.number], urgency(each), each.number

        head = min(heads, key=order)
        if waits[head.number] <= 0:
            await self._send(queue, head)
        left = await self._report_undelivered(queue, heads)
        return waits[head.number] if left is None else min(waits[head.number], left)

    async def _report_undelivered(
        self, queue: ReceiverQueue, heads: Sequence[Delivery]
    ) -> float | None:
        """Report a receiver that accepts nothing through others; seconds until that is due."""
        left = queue.health.left_until_report(self._clock())
        if left is None:
            return None
        messages = [each for each in heads if each.message.occasion is not MessageType.NOTE]
        # What is held back is not to be delivered now.
        waiting = [each for each in messages if self._hold(each) <= 0]
        if not waiting:
            return None
        report = self._on_undelivered
        if left <= 0 and report is not None and queue.health.reports("undelivered"):
            first, error = min(waiting, key=urgency), queue.health.error
            await self._guarded(lambda: report(first, error))
        return left or None

    async def _deliveries_of(self, queue: ReceiverQueue) -> list[Delivery]:
        """What waits for this notifier, collapsed, in order."""
        keys: dict[str, list[Delivery]] = {}
        for delivery in await self._outbox.waiting(queue.notifier.name):
            keys.setdefault(delivery.message.key, []).append(delivery)
        found: list[Delivery] = []
        for key, deliveries in keys.items():
            steps = collapse(deliveries, queue.notifier.sends_missed_incidents)
            for step in steps:
                if not step.untouched:
                    await self._outbox.replace(step.old, step.new)
            left = [step.new for step in steps if step.new is not None]
            if not left:
                self._on_dropped((queue.notifier.name, key))
            found += left
        numbers = {delivery.number for delivery in found}
        queue.due = {number: due for number, due in queue.due.items() if number in numbers}
        return sorted(found, key=lambda delivery: delivery.number)

    def _wait(self, queue: ReceiverQueue, delivery: Delivery) -> float:
        """Seconds until the next attempt, 0 for now."""
        wait = queue.wait(delivery, self._clock(), self._now())
        return wait if wait > 0 else max(self._hold(delivery), 0.0)

    async def _send(self, queue: ReceiverQueue, delivery: Delivery) -> None:
        notifier, key = queue.notifier, delivery.message.key
        queue.attempt = attempt = SendAttempt(key, delivery.number)
        delivery = await self._outbox.begin(delivery)
        memory: Mapping[str, str] = await self._outbox.memory(notifier.name, key)
        if delivery.attempts > 1:
            memory = {**memory, REPEATED: "yes"}
        if attempt.withdrawn:
            return
        try:
            async with attempt.within(self._deadline):
                message = by_wall_clock(delivery.message, self._wall() - self._now())
                message = replace(message, sender=self._mark())
                with once_connected(partial(self._once_connected, delivery)):
                    memory = await queue.send(message, memory)
        except NotifyError as error:
            await self._rejected(queue, delivery, error)
        except TimeoutError:
            reason = f"no answer within {self._deadline:g} s"
            if not attempt.withdrawn:
                await self._rejected(queue, delivery, NotifyError(reason))
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            await self._rejected(queue, delivery, NotifyError("broke off"))
        except Exception as error:
            # Its text may hold an address with a secret in it.
            await self._rejected(queue, delivery, NotifyError(type(error).__name__))
        else:
            kept = {name: text for name, text in memory.items() if name != REPEATED}
            await self._outbox.delivered(delivery, kept)
            self._recovered(queue)
            self._on_delivered(delivery)
        finally:
            queue.attempt = None
            queue.free_at = self._clock() + notifier.pause

    def _recovered(self, queue: ReceiverQueue) -> None:
        """A receiver that accepts messages again gets at once what is pending for it."""
        if queue.health.taken():
            logger.warning("%s accepts messages again", queue.notifier.name)
            queue.due = dict.fromkeys(queue.due, self._clock())

    async def _rejected(self, queue: ReceiverQueue, delivery: Delivery, error: NotifyError) -> None:
        if error.permanent:
            queue.health.was_refused(error.reason, self._clock())
            await self._refuse(delivery, error.reason)
            return
        queue.health.not_taken(error.reason, self._clock())
        longest = queue.longest_wait(delivery)
        wait = retry_seconds(delivery.attempts, error.retry_after, self._random, longest)
        queue.due[delivery.number] = self._clock() + wait
        await self._outbox.failed(delivery, error.reason, self._now() + wait)
        level = logging.WARNING if delivery.attempts == 1 else logging.INFO
        logger.log(
            level,
            "%s: delivery failed (attempt %d, next in %.0f s): %s",
            delivery.notifier,
            delivery.attempts,
            wait,
            error.reason,
        )

    async def _refuse(self, delivery: Delivery, reason: str) -> None:
        logger.error("%s refuses a message for good: %s", delivery.notifier, reason)
        await self._outbox.dead_letter(delivery, reason)
        self._on_rejected(delivery)
        queue = self._queues.get(delivery.notifier)
        known = queue is not None and not queue.health.reports(f"refused: {reason}")
        if delivery.message.occasion is not MessageType.NOTE and not known:
            await self._guarded(lambda: self._on_refused(delivery, reason))

    async def _drop_unconfigured(self) -> None:
        for delivery in await self._outbox.waiting():
            if delivery.notifier not in self._queues:
                await self._refuse(delivery, NOT_CONFIGURED)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """An error here must not stop the sending."""
        try:
            await work()
        except Exception as error:
            logger.error("reporting a refusal: %s", type(error).__name__)


async def _at_once(delivery: Delivery) -> None:
    pass


async def _woken(event: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
