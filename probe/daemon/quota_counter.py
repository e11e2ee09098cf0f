"""Counts what runs use of quotas, and continues where the last process ended."""

from collections.abc import Iterable, Sequence

from probe.budget.plans import uses_of
from probe.budget.quota_usage import QuotaUsage
from probe.core.context import Context
from probe.core.kind import Check, QuotaUse
from probe.core.model import Result
from probe.history import History
from probe.history.model import ResultRow
from probe.kinds.budget import ESTIMATE, LEDGER, USED, BudgetTable

# The provider whose relays users get first.
_USERS_PLAN = "turn-primary"


class QuotaCounter:
    """Maintains the quota usage that the budget checks report."""

    def __init__(self, context: Context) -> None:
        self._now = context.now
        self._usage = context.get_or_create(LEDGER, QuotaUsage)
        self._estimated: list[BudgetTable] = []
        self._uses: dict[str, tuple[QuotaUse, ...]] = {}

    def set_checks(self, checks: Iterable[Check]) -> None:
        """These are the checks from now on."""
        known = list(checks)
        self._estimated = [table for table in _tables(known) if table.plan == _USERS_PLAN]
        self._uses = {check.name: uses for check in known if (uses := uses_of(check))}

    def run_started(self, check: Check) -> None:
        """A run begins."""
        if uses := self._uses.get(check.name):
            self._usage.add(uses, self._now())

    def run_finished(self, result: Result) -> None:
        """A run has ended; its samples of users' calls update the estimate."""
        for table in self._estimated:
            self._usage.estimate_users(result.samples, table.plan, table.session_rate, self._now())

    async def restore(self, history: History, checks: Sequence[Check]) -> None:
        """Restore the counts from the budget checks' last results, and add the runs since then."""
        self._usage.start(self._now())
        tables = {table.name: table for table in _tables(checks)}
        counted: dict[str, float] = {}
        for entry in await history.newest(list(tables)):
            table = tables[entry.check]
            values = {name: value for name, _, value in entry.samples}
            if USED.name not in values:
                continue
            used = values[USED.name]
            relayed = max(0.0, values.get(ESTIMATE.name, 0.0) * table.allowance - used)
            relayed = relayed if ESTIMATE.name in values else 0.0
            self._usage.restore(table.plan, table.period, used, relayed, entry.at)
            counted[table.plan] = entry.at
        if counted:
            later = await history.recent(min(counted.values()))
            self._add(later, counted, {check.name: check for check in checks})

    def _add(
        self, entries: list[ResultRow], counted: dict[str, float], checks: dict[str, Check]
    ) -> None:
        for entry in entries:
            check = checks.get(entry.check)
            uses = uses_of(check) if check is not None else ()
            due = [use for use in uses if counted.get(use.plan, entry.at) < entry.at]
            self._usage.add(due, entry.at)


def _tables(checks: Iterable[Check]) -> list[BudgetTable]:
    return [check.table for check in checks if isinstance(check.table, BudgetTable)]
