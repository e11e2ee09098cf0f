"""When each check last had a result, and which have had none for too long."""

import math
from collections.abc import Callable, Iterable, Iterator

from alerts.state.conditions import no_data_after
from probe.core.kind import Check


class NoDataTimer:
    """``is_firing`` says of a check whether its alert on no data fires already. Times are seconds
    since 1970."""

    def __init__(self, is_firing: Callable[[str], bool]) -> None:
        self._is_firing = is_firing
        self._checks: dict[str, Check] = {}
        self._result_at: dict[str, float] = {}
        # No check has had no data for too long before then; minus infinity: to be found out.
        self._next = -math.inf

    def set_checks(self, checks: Iterable[Check], now: float) -> None:
        """These are the checks from now on; the time of new and changed ones begins."""
        before, self._checks = self._checks, {check.name: check for check in checks}
        self._result_at = {
            name: self._result_at[name] if before.get(name) == check else now
            for name, check in self._checks.items()
        }
        self._next = -math.inf

    def restart(self, now: float) -> None:
        """No check could run until now: the time of all begins."""
        self._result_at = dict.fromkeys(self._checks, now)
        self._next = -math.inf

    def record(self, check: Check, now: float) -> None:
        """A check has a new result."""
        self._result_at[check.name] = now
        self._next = min(self._next, now + no_data_after(check))

    def overdue(self, now: float) -> Iterator[Check]:
        """Checks that have had no data for too long, and whose alert doesn't fire yet."""
        if now < self._next:
            return
        for name, check in self._checks.items():
            is_due = now - self._result_at[name] >= no_data_after(check)
            if is_due and not self._is_firing(name):
                yield check
        self._next = self._next_time()

    def next_time(self) -> float:
        """When a check will be overdue without a result until then; infinity for never."""
        if self._next == -math.inf:
            self._next = self._next_time()
        return self._next

    def _next_time(self) -> float:
        times = (
            self._result_at[name] + no_data_after(check)
            for name, check in self._checks.items()
            if not self._is_firing(name)
        )
        return min(times, default=math.inf)
