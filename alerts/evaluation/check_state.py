"""The state of every check, and since when: results in, changes out.

Pure state: no clock of its own, nothing is sent or stored. A daemon that starts again
hands in what history knows, so that "since when" survives.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from alerts.evaluation.sample_window import SampleWindow
from alerts.evaluation.verdict import (
    backup_checks,
    evaluate,
    overall_verdict,
    verdict_on,
    within_percentile,
)
from probe.core.kind import Check
from probe.core.model import Evaluation, Result, Sample, Status, Threshold, Verdict
from probe.core.thresholds import thresholds_of
from probe.history.model import HEALTH_STATES, HealthState, StatePeriod


class Change(Struct, frozen=True, gc=False):
    """The state of a check has changed. ``was`` is None for the first verdict on it.

    ``since`` is when the period that it left began, ``at`` when the new verdict was given;
    both in seconds since 1970.
    """

    check: Check
    was: Verdict | None
    now: Verdict
    at: float
    since: float | None
    result: Result
    evaluations: tuple[Evaluation, ...]


class CheckState(Struct, frozen=True, gc=False):
    """The state of one check: the verdict on its newest result, and since when.

    ``since`` is when the present health (healthy, unhealthy, unknown) began, in seconds since
    1970: a warning that becomes critical is still the same incident.
    """

    verdict: Verdict
    since: float
    result: Result
    evaluations: tuple[Evaluation, ...] = ()


class CheckStates:
    """The present state of all checks."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._past: dict[str, StatePeriod] = {}

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks in the order of the plan."""
        return tuple(entry.check for entry in self._entries.values())

    @property
    def verdict(self) -> Verdict:
        """The verdict on everything that has one."""
        verdicts = {
            name: entry.state.verdict for name, entry in self._entries.items() if entry.state
        }
        return overall_verdict(self.checks, verdicts)

    @property
    def states(self) -> dict[str, CheckState]:
        """The state of every check that has a result."""
        return {name: entry.state for name, entry in self._entries.items() if entry.state}

    def state(self, name: str) -> CheckState | None:
        """The state of a check; None before its first result."""
        entry = self._entries.get(name)
        return entry.state if entry else None

    def set_checks(self, checks: Sequence[Check]) -> None:
        """These are the checks from now on; an unchanged one keeps its state."""
        old = self._entries
        self._entries = {
            check.name: old[check.name]
            if check.name in old and old[check.name].check is check
            else _Entry(check)
            for check in checks
        }
        for entry in self._entries.values():
            entry.backups = tuple(backup_checks(entry.check, checks))
            entry.backup_for = []
        for entry in self._entries.values():
            for name in entry.backups:
                self._entries[name].backup_for.append(entry.check.name)

    def restore(self, periods: Mapping[str, StatePeriod]) -> None:
        """What history says of the time before: each check's last period."""
        self._past = dict(periods)

    def restore_samples(self, check: str, at: float, samples: Iterable[Sample]) -> None:
        """Samples of an earlier run, ``at`` on the monotonic clock; oldest run first."""
        entry = self._entries.get(check)
        if entry is not None:
            entry.keep(at, samples)

    def update(self, result: Result, at: float, wall: float) -> list[Change]:
        """Judge a new result, and again those that it backs up.

        ``at`` is the monotonic time of the end of the run, ``wall`` its beginning in seconds
        since 1970. Returns what changed; nothing for a check that isn't watched any more.
        """
        entry = self._entries.get(result.check)
        if entry is None:
            return []
        entry.keep(at, result.samples)
        changes = [self._judge(entry, result, at, wall)]
        for name in entry.backup_for:
            other = self._entries[name]
            if other.state is not None and other.state.result.status is Status.FAILED:
                changes.append(self._judge(other, other.state.result, at, wall))
        return [change for change in changes if change is not None]

    def is_backed_up(self, name: str) -> bool:
        """Whether another check works that makes this one's failure a partial one.

        What has not run yet counts as working: nothing is critical before that.
        """
        return any(
            state is None or state.result.status is Status.OK
            for state in map(self.state, self._entries[name].backups)
        )

    def _judge(self, entry: "_Entry", result: Result, at: float, wall: float) -> Change | None:
        judged = entry.evaluations(result, at)
        backed_up = self.is_backed_up(entry.check.name)
        verdict = verdict_on(entry.check, result, judged, backed_up=backed_up)
        before = entry.state
        was, since = (before.verdict, before.since) if before else self._before(entry.check.name)
        health = HEALTH_STATES[verdict]
        goes_on = was is not None and HEALTH_STATES[was] is health
        begun = since if goes_on and since is not None else wall
        entry.state = CheckState(verdict, begun, result, judged)
        if before is not None and before.verdict is verdict:
            return None
        if was is verdict or (was is None and health is HealthState.HEALTHY):
            return None
        return Change(entry.check, was, verdict, wall, since, result, judged)

    def _before(self, name: str) -> tuple[Verdict | None, float | None]:
        period = self._past.get(name)
        return (period.verdict, period.start) if period else (None, None)


class _Entry:
    """One check: its thresholds, the samples that their windows need, its state."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.state: CheckState | None = None
        self.backups: tuple[str, ...] = ()
        self.backup_for: list[str] = []
        self._thresholds = thresholds_of(check)
        self._windows = {
            threshold.signal.name: SampleWindow()
            for threshold in self._thresholds
            if threshold.window
        }

    @property
    def longest_window(self) -> float:
        """Seconds of samples that its thresholds need."""
        return max((threshold.window for threshold in self._thresholds), default=0.0)

    def keep(self, at: float, samples: Iterable[Sample]) -> None:
        """Keep the samples that a window needs."""
        for sample in samples:
            window = self._windows.get(sample.signal.name)
            if window is not None:
                window.add(at, sample)

    def evaluations(self, result: Result, at: float) -> tuple[Evaluation, ...]:
        """Every threshold evaluated over its window, or on the newest result."""
        measured: dict[str, list[Sample]] = {}
        for sample in result.samples:
            measured.setdefault(sample.signal.name, []).append(sample)
        return tuple(
            evaluation
            for threshold in self._thresholds
            for evaluation in self._evaluate(threshold, measured.get(threshold.signal.name, ()), at)
        )

    def _evaluate(
        self, threshold: Threshold, measured: Sequence[Sample], at: float
    ) -> Iterable[Evaluation]:
        name = self.check.name
        if not threshold.window:
            if not measured and threshold.optional:
                return ()
            return evaluate(name, threshold, measured)
        window = self._windows[threshold.signal.name]
        window.drop_before(at - threshold.window)
        if window.is_plain:
            found = within_percentile(name, threshold, window.values)
            if found is not None:
                return (found,)
        return evaluate(name, threshold, window.samples)


def longest_window(checks: Iterable[Check]) -> float:
    """Seconds of history that the thresholds of some checks look back."""
    return max((_Entry(check).longest_window for check in checks), default=0.0)
