"""A probe on a clock that the test moves: checks run when they are due, and every message that
leaves is written down. Everything that judges is the daemon's own; only runs, receivers and
the disk are the test's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec import Struct

from alerts.config import AlertingConfig
from alerts.evaluation.check_state import CheckStates
from alerts.model import Delivery, Message, Severity, Silence
from alerts.notification.route import REPEAT_INTERVAL_SECONDS, Route
from alerts.notifier import Notifier
from alerts.pipeline import Pipeline
from probe.core.causes import HINTS, Cause
from probe.core.kind import BACKOFF_ABOVE_SECONDS, Check
from probe.core.model import SUCCESS, Failure, Result, Sample, Status
from probe.daemon.triggers import Triggers

START = 1_800_000_000.0
CHAT = Route("chat", frozenset(Severity), REPEAT_INTERVAL_SECONDS)
PAGER = Route("pager", frozenset({Severity.CRITICAL}), REPEAT_INTERVAL_SECONDS, deduplicates=True)
# Between two flushes.
STEP = 1.0

Says = Callable[[Check, float], Result]


def result(
    check: Check,
    at: float,
    *samples: Sample,
    cause: Cause | None = None,
    message: str = "it is broken",
    seconds: float = 0.1,
) -> Result:
    """A run's result that began ``at`` seconds after the start."""
    failure = Failure("connect", cause, message, HINTS[cause]) if cause else None
    status = Status.FAILED if cause else Status.OK
    found = (Sample(SUCCESS, float(cause is None)), *samples)
    moment = datetime.fromtimestamp(START + at, UTC)
    return Result(check.name, status, moment, seconds, {}, found, failure)


class Sent(Struct, frozen=True):
    """What was sent, when (seconds after the start) and to whom."""

    at: float
    notifier: str
    message: Message

    @property
    def occasion(self) -> str:
        """Why it was sent."""
        return self.message.occasion.value

    @property
    def severity(self) -> str:
        """How severe it is."""
        return self.message.severity.value

    @property
    def line(self) -> str:
        """In short: ``FIRING critical``."""
        return f"{self.occasion} {self.severity}"


@dataclass
class Simulation:
    """One probe. ``refuses`` says of a message that its receiver refuses it for good."""

    checks: list[Check]
    routes: tuple[Route, ...] = (CHAT, PAGER)
    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    silences: list[Silence] = field(default_factory=list)
    refuses: Callable[[Sent], bool] = lambda _: False
    now: float = 0.0
    sent: list[Sent] = field(default_factory=list)
    stored: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._next = {check.name: float(n % 10) for n, check in enumerate(self.checks)}
        self._running: list[tuple[float, Check, Result]] = []
        self.start()

    def start(self, checks: Iterable[Check] | None = None) -> None:
        """The process starts, with what the one before it stored."""
        self.checks = self.checks if checks is None else list(checks)
        self.board, self._waking = CheckStates(), Triggers()
        self.pipeline = Pipeline(AlertingConfig("lax", self.notifiers, self.routes))
        self.pipeline.restore(self.stored)
        self._running = []
        self.reload(self.checks)

    def reload(self, checks: Iterable[Check]) -> None:
        """These are the checks from now on."""
        self.checks = list(checks)
        self._next = {check.name: self._next.get(check.name, self.now) for check in self.checks}
        for part in (self.board, self._waking):
            part.set_checks(self.checks)
        self.pipeline.set_checks(self.checks, START + self.now)

    def live(self, end: float, says: Says) -> None:
        """Let time pass until ``end``, second by second; each check runs when it is due."""
        while self.now < end:
            for check in self.checks:
                if self._next[check.name] <= self.now:
                    self._begin(check, says(check, self.now))
            for done in [each for each in self._running if each[0] <= self.now]:
                self._running.remove(done)
                self._finish(done[1], done[2])
            self._flush()
            self.now += STEP

    def to(self, notifier: str) -> list[Sent]:
        """What one receiver was sent."""
        return [each for each in self.sent if each.notifier == notifier]

    def lines(self, notifier: str) -> list[str]:
        """The same in short."""
        return [each.line for each in self.to(notifier)]

    @property
    def events(self) -> list[str]:
        """What the pager makes of what it is sent: triggers and resolves, with their second."""
        words = {"firing": "trigger", "resolved": "resolve"}
        return [
            f"{each.at:g} {words[each.occasion]}"
            for each in self.to("pager")
            if each.occasion in words
        ]

    def _begin(self, check: Check, found: Result) -> None:
        self._next[check.name] = self.now + max(check.interval, found.duration)
        # A run that takes less than a step is over at once.
        self._running.append((self.now + found.duration - STEP, check, found))

    def _finish(self, check: Check, found: Result) -> None:
        changes = self.board.update(found, self.now, START + self.now)
        for name in {check.name, *(change.check.name for change in changes)}:
            each = next(each for each in self.checks if each.name == name)
            stand = self.board.state(name)
            if stand is not None:
                backed_up = self.board.is_backed_up(name)
                self.pipeline.handle_result(
                    each, stand.result, stand.evaluations, START + self.now, backed_up=backed_up
                )
        failed = found.status is Status.FAILED
        recovering = (
            self.pipeline.alerts.is_recovering(check.name)
            and check.interval < BACKOFF_ABOVE_SECONDS
        )
        if failed or recovering:
            self._run_soon(check.name, check.retry)
        for name in self._waking.fired_by(found):
            self._run_soon(name, 0.0)

    def _flush(self) -> None:
        found = self.pipeline.flush(START + self.now, self.silences)
        for name, text in found.documents.items():
            if text is None:
                self.stored.pop(name, None)
            else:
                self.stored[name] = text
        for name in self.pipeline.checks_to_run():
            self._run_soon(name, 0.0)
        for delivery in found.deliveries:
            self._deliver(delivery)

    def _deliver(self, delivery: Delivery) -> None:
        sent = Sent(self.now, delivery.notifier, delivery.message)
        self.sent.append(sent)
        if self.refuses(sent):
            self.pipeline.refused(delivery, START + self.now)
        else:
            self.pipeline.delivered(delivery)

    def _run_soon(self, name: str, seconds: float) -> None:
        if name in self._next:
            self._next[name] = min(self._next[name], self.now + seconds)
