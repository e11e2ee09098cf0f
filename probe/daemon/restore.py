"""Restores state from the history of the last process."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from alerts.evaluation.check_state import CheckStates, longest_window
from probe.core.kind import Check
from probe.core.model import Sample, Signal
from probe.core.thresholds import signals_of_check
from probe.daemon.quota_counter import QuotaCounter
from probe.history import History
from probe.history.model import ResultRow


class StateRestorer(Struct, frozen=True):
    """Restores check states and quota usage. ``clock`` is the monotonic clock, ``now`` the wall
    clock in seconds since 1970."""

    states: CheckStates
    quotas: QuotaCounter
    clock: Callable[[], float]
    now: Callable[[], float]

    async def restore_state(self, history: History, checks: Sequence[Check]) -> None:
        """Since when each check has its verdict, and the samples of the thresholds' windows."""
        await self.quotas.restore(history, checks)
        self.states.restore(await history.current_periods())
        self.states.set_checks(checks)
        signals = {check.name: {s.name: s for s in signals_of_check(check)} for check in checks}
        for entry in await history.recent(self.now() - longest_window(checks)):
            samples = _samples(entry, signals.get(entry.check, {}))
            age = max(0.0, self.now() - entry.at)
            self.states.restore_samples(entry.check, self.clock() - age, samples)


def _samples(entry: ResultRow, signals: Mapping[str, Signal]) -> list[Sample]:
    cases = {(name, labels): number for name, labels, number in entry.cases}
    return [
        Sample(signals[name], value, dict(labels), cases.get((name, labels)))
        for name, labels, value in entry.samples
        if name in signals
    ]
