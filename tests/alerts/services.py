"""A service behind a notifier, in the same process: takes messages or follows a script."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from alerts.model import Delivery, Message, MessageType, NotifyError
from alerts.notification.sender import Dispatcher
from alerts.notifier import Notifier
from alerts.outbox.outbox import Outbox
from tests.clocks import Clock

RECEIVED = "received, but the answer was lost"


class Service:
    """A notifier. The script says of each attempt how it fails; None: it is taken.

    ``RECEIVED`` in a script: the message arrives, its sender sees an error. An event in a
    script is waited for first.
    """

    resend_seconds = None

    def __init__(
        self,
        name: str = "pager",
        script: Iterable[object] = (),
        *,
        sends_missed_incidents: bool = False,
        pause: float = 0.0,
    ) -> None:
        self.name, self.sends_missed_incidents, self.pause = name, sends_missed_incidents, pause
        self.script = list(script)
        self.attempts: list[Message] = []
        self.received: list[Message] = []
        self.memories: list[Mapping[str, str]] = []
        self.at_once = self.most_at_once = 0
        self._changed = asyncio.Event()

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Follow the script."""
        self.attempts.append(message)
        self._changed.set()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._follow(message)
        finally:
            self.at_once -= 1
        self.memories.append(memory)
        return {"ts": str(len(self.received))}

    async def _follow(self, message: Message) -> None:
        order = self.script.pop(0) if self.script else None
        if isinstance(order, asyncio.Event):
            await order.wait()
        elif isinstance(order, BaseException):
            raise order
        self.received.append(message)
        self._changed.set()
        if order == RECEIVED:
            raise NotifyError("connection reset")

    async def attempted(self, count: int) -> None:
        """Wait until so many attempts were made."""
        await self._until(lambda: len(self.attempts) >= count)

    async def took(self, count: int) -> list[str]:
        """Wait until so many were received; their titles."""
        await self._until(lambda: len(self.received) >= count)
        return [message.title for message in self.received]

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class Post:
    """An outbox, services and the dispatcher between them, on a clock that a test moves."""

    def __init__(self, outbox: Outbox, *services: Notifier, deadline: float = 30.0) -> None:
        self.outbox = outbox
        self.clock = Clock(1000.0)
        self.refused: list[tuple[Delivery, str]] = []
        self.rejected: list[str] = []
        self.dispatcher = Dispatcher(
            outbox,
            {service.name: service for service in services},
            clock=self.clock,
            now=self.clock,
            random=Random(1),
            on_refused=self.on_refused,
            on_rejected=lambda delivery: self.rejected.append(delivery.message.key),
            deadline=deadline,
        )

    async def on_refused(self, delivery: Delivery, error: str) -> None:
        """Remember what was refused."""
        self.refused.append((delivery, error))

    async def commit(self, *deliveries: Delivery) -> None:
        """Store and wake, as the daemon does."""
        await self.outbox.commit({}, deliveries)
        self.dispatcher.wake()

    def pass_(self, seconds: float) -> None:
        """Let time pass and be noticed."""
        self.clock.pass_(seconds)
        self.dispatcher.wake()

    async def settled(self) -> None:
        """Wait until nothing happens any more without time passing or a service moving."""
        for _ in range(30):
            # Asks the file, so that all that was written before is.
            await self.outbox.silences(0.0)
            for _ in range(5):
                await asyncio.sleep(0)

    async def emptied(self) -> None:
        """Let hours pass until nothing waits."""
        for _ in range(200):
            await self.settled()
            if not await self.outbox.waiting():
                return
            self.pass_(3600.0)
        raise AssertionError("something waits for ever")


@asynccontextmanager
async def running(post: Post) -> AsyncIterator[Post]:
    """The dispatcher runs; it is stopped at the end."""
    task = asyncio.create_task(post.dispatcher.run())
    try:
        yield post
    finally:
        await post.dispatcher.stop(0.0)
        await task


async def reopened(outbox: Outbox, folder: Path) -> Outbox:
    """The same outbox as the next process finds it."""
    await outbox.close()
    return await Outbox.open(folder)


async def stored(outbox: Outbox, *deliveries: Delivery) -> list[Delivery]:
    """The deliveries as they wait after a commit."""
    await outbox.commit({}, deliveries)
    return await outbox.waiting()


def titles(deliveries: list[Delivery]) -> list[str]:
    """What the messages say."""
    return [delivery.message.title for delivery in deliveries]


def open_at_the_end(received: Iterable[Message]) -> dict[str, str]:
    """What fires for a service with deduplication after all it received, by key.

    A message's text names the incident. Fails if two incidents of a key are open at once,
    or if one is updated that was not opened. The same message twice changes nothing.
    """
    firing: dict[str, str] = {}
    for message in received:
        if message.occasion is MessageType.RESOLVED:
            firing.pop(message.key, None)
        elif message.occasion is not MessageType.NOTE:
            new = message.occasion is MessageType.FIRING
            assert new or message.key in firing, f"{message.title}: updated before it was opened"
            known = firing.setdefault(message.key, message.text)
            assert known == message.text, f"{message.title}: {known} was still open"
    return firing
