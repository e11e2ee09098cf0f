"""Who is looked at as soon as another check begins to fail, or no longer does.

A cheap look that fails is a reason to look closely, and to see at once who else fails: how
grave it is depends on them.
"""

from collections.abc import Iterable

from probe.core.kind import Check
from probe.core.model import Result, Status


class Triggers:
    """Knows who heeds whom, and what each check found when it was last measured."""

    def __init__(self) -> None:
        self._wakes: dict[str, tuple[str, ...]] = {}
        self._failing: dict[str, bool] = {}

    def set_checks(self, checks: Iterable[Check]) -> None:
        """These are the checks from now on."""
        known = list(checks)
        self._wakes = {
            check.name: tuple(
                other.name
                for other in known
                if other is not check and other.table.triggered_by & check.table.triggers
            )
            for check in known
        }
        self._failing = {
            name: failing for name, failing in self._failing.items() if name in self._wakes
        }

    def fired_by(self, result: Result) -> tuple[str, ...]:
        """Whom a result wakes: nobody, unless the check begins to fail or no longer does."""
        if result.status is Status.UNKNOWN or result.check not in self._wakes:
            return ()
        failing = result.status is Status.FAILED
        before = self._failing.get(result.check, False)
        self._failing[result.check] = failing
        return self._wakes[result.check] if failing is not before else ()
