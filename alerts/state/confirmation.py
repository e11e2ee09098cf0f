"""Whether an alert is still true at the moment when people are about to be notified; pure.

An alert fires when its `for` is over, which may be long after the last run of its check, and
meanwhile the target may have recovered. So before a notification leaves, the check is run
again if its last result is not fresh, and the notification waits a moment for the answer;
longer if another check that failed at the same time has recovered since, or if the last run could
not measure anything. No answer in time confirms the alert: a target that hangs must not hold up
its own page.
"""

from collections import deque
from dataclasses import dataclass
from itertools import takewhile

from msgspec import Struct

from alerts.model import Alert, Fingerprint
from probe.core.kind import Check
from probe.core.model import Result, Status
from probe.core.thresholds import FAILING

# A result that is younger needs no other to confirm it.
FRESH_SECONDS = 2.0
# For an answer: this share of `for`, within these bounds; after a recovery elsewhere, the last.
WAIT_SHARE, MIN_WAIT, MAX_WAIT, DOUBTFUL_WAIT = 1 / 30, 1.0, 5.0, 20.0
# An answer that was not used for so long says nothing of now.
OUTDATED_SECONDS = 20.0
# A check that runs so often costs little.
FREQUENT_SECONDS = 300.0
# Checks that began to fail within so many seconds of each other failed together: they run at
# different times.
TOGETHER_SECONDS = 120.0
# A recovery that is older says nothing of what fails now.
RECENT_SECONDS = 600.0


class ObservedRecovery(Struct, frozen=True, gc=False):
    """A check failed from ``began`` on and was seen to work ``at``."""

    began: float
    at: float


@dataclass(slots=True)
class _Answer:
    """A check that ran for a confirmation failed ``at``; ``used_at``: when that was used."""

    at: float
    used_at: float | None = None


class Confirmation:
    """The last results of every check. Times are seconds since 1970."""

    def __init__(self) -> None:
        self._failing_since: dict[str, float] = {}
        self._failed_at: dict[str, float] = {}
        self._works: set[str] = set()
        self._worked_at: dict[str, float] = {}
        self._last: dict[str, Result] = {}
        # The oldest first.
        self._recoveries: deque[ObservedRecovery] = deque()
        # By check: a thousand of them may be asked for at once.
        self._requested_at: dict[str, dict[Fingerprint, float]] = {}
        self._answered: dict[str, dict[Fingerprint, _Answer]] = {}
        self._due: list[float] = []
        self._requested: set[str] = set()

    def add_result(self, result: Result, now: float) -> None:
        """A check has a result; one that is evaluated again is the same."""
        name = result.check
        if self._last.get(name) is result:
            return
        self._last[name] = result
        if result.status is Status.FAILED:
            self._failing_since.setdefault(name, now - result.duration)
            self._failed_at[name] = now
            self._works.discard(name)
        elif result.status is Status.OK:
            self._failed_at.pop(name, None)
            self._works.add(name)
            self._worked_at[name] = now
            began = self._failing_since.pop(name, None)
            if began is not None:
                self._recoveries.append(ObservedRecovery(began, now))
        if result.status is not Status.UNKNOWN:
            self._add_answer(name, result.status is Status.FAILED, now)
        while self._recoveries and now - self._recoveries[0].at >= RECENT_SECONDS:
            self._recoveries.popleft()

    def is_confirmed(self, alert: Alert, check: Check | None, now: float) -> bool:
        """Whether people may be notified of an alert now; if not, its check is wanted."""
        if alert.identity.rule != FAILING or check is None:
            return True
        if self.works(check.name):
            return False
        failed_at = self.last_failure(check.name)
        doubtful = self._is_doubtful(alert, failed_at)
        answered = not doubtful and self._is_answered(alert.identity, now)
        if answered or (now - failed_at <= FRESH_SECONDS and not doubtful):
            return True
        if not _may_run_again(check):
            return not doubtful or now - failed_at >= check.retry
        requests = self._requested_at.setdefault(check.name, {})
        if alert.identity not in requests:
            requests[alert.identity] = now
            self._requested.add(check.name)
        requested_at = requests[alert.identity]
        until = requested_at + (DOUBTFUL_WAIT if doubtful else _confirmation_timeout(check))
        if now < until:
            self._due.append(until)
        return now >= until

    def _add_answer(self, check: str, failed: bool, now: float) -> None:
        requests = self._requested_at.pop(check, {})
        if failed and requests:
            answers = {identity: _Answer(now) for identity in requests}
            self._answered.setdefault(check, {}).update(answers)
        elif not failed:
            self._answered.pop(check, None)

    def _is_answered(self, identity: Fingerprint, now: float) -> bool:
        """Whether the answer confirms an alert, however late it is used; it counts once, for
        all receivers."""
        answers = self._answered.get(identity.check, {})
        answer = answers.get(identity)
        if answer is None:
            return False
        answer.used_at = now if answer.used_at is None else answer.used_at
        if answer.used_at == now and now - answer.at <= OUTDATED_SECONDS:
            return True
        del answers[identity]
        return False

    def last_failure(self, check: str) -> float:
        """When a check that fails was last seen to; -inf for one that works."""
        return self._failed_at.get(check, float("-inf"))

    def works(self, check: str) -> bool:
        """Whether the last result of a check that measured anything was good."""
        return check in self._works

    def earliest(self, alert: Alert, interval: float) -> float:
        """When a check that fails may have begun to: after its last good run, or the run that an
        earlier process made one ``interval`` in seconds before. Of values, when it was seen."""
        if alert.identity.rule != FAILING:
            return alert.since
        before = alert.since - interval
        return min(max(self._worked_at.get(alert.identity.check, before), before), alert.since)

    def wanted(self) -> set[str]:
        """The checks to run again at once; each is named once."""
        requested, self._requested = self._requested, set()
        return requested

    def next_time(self, now: float) -> float | None:
        """When an alert counts as confirmed without an answer."""
        self._due = [due for due in self._due if due > now]
        return min(self._due, default=None)

    def _is_doubtful(self, alert: Alert, failed_at: float) -> bool:
        """Whether it may have recovered: what failed at the same time has, or the last run could
        not measure it (this machine stood still, or was short of something)."""
        last = self._last.get(alert.identity.check)
        if last is not None and last.status is Status.UNKNOWN:
            return True
        since = takewhile(lambda each: each.at > failed_at, reversed(self._recoveries))
        return any(abs(each.began - alert.since) <= TOGETHER_SECONDS for each in since)


def _confirmation_timeout(check: Check) -> float:
    return min(max(MIN_WAIT, check.failing.hold * WAIT_SHARE), MAX_WAIT)


def _may_run_again(check: Check) -> bool:
    """What runs seldom is costly, and isn't run for a confirmation."""
    return check.interval <= FREQUENT_SECONDS and not check.kind.failing.no_retry_causes
