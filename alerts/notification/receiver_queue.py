"""The queue of one receiver: its health, what is due when, and the attempt under way."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from alerts.model import Delivery, Message
from alerts.notifier import Editing, Notifier
from alerts.outbox.retry import longest_wait

# A message that was not delivered for so long is reported through other receivers.
UNDELIVERED_SECONDS = 120.0
# A queue with messages and no progress for so long is stuck: a send takes 35 s at most.
STUCK_SECONDS = 90.0


@dataclass(slots=True)
class ReceiverHealth:
    """Times are on the monotonic clock. ``refused`` counts messages that were refused for good
    since one was last taken, ``failed`` all since the start."""

    moved: float
    failing_since: float | None = None
    error: str = ""
    refused: int = 0
    failed: int = 0
    reported: set[str] = field(default_factory=set)

    def taken(self) -> bool:
        """It has accepted a message; whether the one before had failed."""
        failed_before = self.failing_since is not None
        self.failing_since, self.error, self.refused = None, "", 0
        self.reported.clear()
        return failed_before

    def not_taken(self, error: str, now: float) -> None:
        """A delivery has failed, and may succeed later."""
        self.failing_since = now if self.failing_since is None else self.failing_since
        self.error = error

    def was_refused(self, error: str, now: float) -> None:
        """It has refused a message for good."""
        self.not_taken(error, now)
        # The refusal itself is reported; that nothing is delivered follows from it.
        self.reported.add("undelivered")
        self.refused += 1
        self.failed += 1

    def reports(self, what: str) -> bool:
        """Whether this is still to be reported; it counts as reported from now on."""
        if what in self.reported:
            return False
        self.reported.add(what)
        return True

    def left_until_report(self, now: float) -> float | None:
        """Seconds until it counts as not delivering; None: that is reported, or it delivers."""
        if self.failing_since is None or "undelivered" in self.reported:
            return None
        return max(0.0, self.failing_since + UNDELIVERED_SECONDS - now)


class SendAttempt:
    """A message under way. One that is withdrawn ends at once: another probe sends it."""

    def __init__(self, key: str, number: int) -> None:
        self._key, self._number, self.withdrawn = key, number, False
        self._deadline: asyncio.Timeout | None = None

    def within(self, seconds: float) -> asyncio.Timeout:
        """A block that raises TimeoutError after ``seconds``, or once it is withdrawn."""
        self._deadline = asyncio.timeout(seconds)
        return self._deadline

    def is_of(self, key: str, last: int | None) -> bool:
        """Whether it is of a key, and of a message up to the number ``last`` if there is one."""
        return self._key == key and (last is None or self._number <= last)

    def withdraw(self) -> None:
        """End it, in whatever step it is."""
        self.withdrawn = True
        deadline = self._deadline
        if deadline is not None and deadline.when() is not None and not deadline.expired():
            deadline.reschedule(asyncio.get_running_loop().time())


@dataclass(slots=True)
class ReceiverQueue:
    """One notifier's: ``due`` and ``free_at`` are on the monotonic clock, ``due`` by the
    number of a delivery; ``longest`` is how long each may wait between two attempts, in seconds;
    ``attempt`` is the one under way."""

    notifier: Notifier
    health: ReceiverHealth
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    due: dict[int, float] = field(default_factory=dict)
    longest: dict[int, float] = field(default_factory=dict)
    free_at: float = 0.0
    attempt: SendAttempt | None = None

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Send it, unless it only changes what its service can't change. Raises NotifyError."""
        if message.quiet and not (isinstance(self.notifier, Editing) and self.notifier.edits):
            return {}
        return await self.notifier.send(message, memory)

    def heads(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        """The first one of each key. It waits no longer than what waits behind it may: a page is
        not held by the time that a service asked for with a warning."""
        heads: dict[str, Delivery] = {}
        self.longest = {}
        for delivery in deliveries:
            head = heads.setdefault(delivery.message.key, delivery).number
            longest = self.longest_wait(delivery)
            self.longest[head] = min(longest, self.longest.get(head, longest))
        return list(heads.values())

    def longest_wait(self, delivery: Delivery) -> float:
        """How long a message may wait between two attempts, in seconds."""
        return longest_wait(delivery, self.notifier.resend_seconds)

    def wait(self, delivery: Delivery, clock: float, now: float) -> float:
        """Seconds until the next attempt, 0 or less: now.

        Counted on the monotonic ``clock``, for the wall clock (``now``) may jump; the stored
        time is read once, for what another process left behind.
        """
        number = delivery.number
        latest = clock + self.longest.get(number, self.longest_wait(delivery))
        known = self.due.get(number, clock + max(delivery.due - now, 0.0))
        self.due[number] = min(known, latest)
        return self.due[number] - clock
