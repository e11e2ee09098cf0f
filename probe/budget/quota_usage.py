"""What the checks have used of quotas, by day and by month (UTC)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from probe.budget.plans import Period
from probe.core.kind import QuotaUse
from probe.core.model import Sample

# What the application says of its users' calls, by names of signals.
SESSIONS = "probe_app_active_sessions"
RELAYED = "probe_turn_fallback_ratio"
# A sample counts for no longer than this: nothing is extrapolated beyond it.
MAX_SECONDS = 900.0
_DAY = 86400.0


def period_of(at: float, period: Period) -> str:
    """The day or month that a moment is in, as ISO 8601 has it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d" if period == "day" else "%Y-%m")


@dataclass(slots=True)
class _Count:
    """One plan's count in the present day or month."""

    name: str = ""
    amount: float = 0.0
    relayed: float = 0.0

    def turn_to(self, name: str) -> None:
        """Start a new day or month; a clock that goes back changes nothing."""
        if name > self.name:
            self.name, self.amount, self.relayed = name, 0.0, 0.0


@dataclass(slots=True)
class _Account:
    """One plan: its counts, and until when a shared window is already counted."""

    counts: dict[Period, _Count] = field(
        default_factory=lambda: {"day": _Count(), "month": _Count()}
    )
    until: float = 0.0


class QuotaUsage:
    """Counts uses; times are seconds since 1970. ``since`` is when counting began, None
    while nothing is counted (a single run has nothing to add up)."""

    def __init__(self) -> None:
        self.since: float | None = None
        self._accounts: dict[str, _Account] = {}
        self._last_app_visit: float | None = None

    def start(self, at: float) -> None:
        """Count from now on."""
        self.since = at

    def add(self, uses: Iterable[QuotaUse], at: float) -> None:
        """Add the uses of a run that starts."""
        for use in uses:
            account = self._accounts.setdefault(use.plan, _Account())
            amount = _lasting(account, use.amount, at) if use.shared_window else use.amount
            self._add(use.plan, amount, 0.0, at)

    def estimate_users(
        self, samples: Iterable[Sample], plan: str, session_rate: float, at: float
    ) -> None:
        """Estimate what users' calls relay, where the samples tell: open sessions, and which
        share of the calls is relayed, at ``session_rate`` bytes a second each."""
        values = {each.signal.name: each.value for each in samples}
        if SESSIONS not in values or RELAYED not in values:
            return
        before, self._last_app_visit = self._last_app_visit, at
        if before is not None and 0 < at - before <= MAX_SECONDS:
            rate = values[SESSIONS] * values[RELAYED] * session_rate
            self._add(plan, 0.0, rate * (at - before), at)

    def used(self, plan: str, period: Period, at: float) -> float:
        """What was taken in the day or month that a moment is in."""
        count = self._count(plan, period, at)
        return count.amount if count else 0.0

    def relayed(self, plan: str, period: Period, at: float) -> float | None:
        """What users' calls have relayed as estimated; None where nothing is known."""
        count = self._count(plan, period, at)
        return count.relayed if count and count.relayed else None

    def restore(self, plan: str, period: Period, amount: float, relayed: float, at: float) -> None:
        """Continue from what was counted in the day or month of ``at``."""
        count = self._accounts.setdefault(plan, _Account()).counts[period]
        count.turn_to(period_of(at, period))
        count.amount += amount
        count.relayed += relayed

    def _count(self, plan: str, period: Period, at: float) -> _Count | None:
        account = self._accounts.get(plan)
        if account is None:
            return None
        count = account.counts[period]
        return count if count.name == period_of(at, period) else None

    def _add(self, plan: str, amount: float, relayed: float, at: float) -> None:
        for period, count in self._accounts.setdefault(plan, _Account()).counts.items():
            count.turn_to(period_of(at, period))
            count.amount += amount
            count.relayed += relayed


def _lasting(account: _Account, amount: float, at: float) -> float:
    """What a use with a shared window adds to what is already counted."""
    if account.until > at + _DAY:
        account.until = 0.0  # the clock was set back
    paid, end = max(at, account.until), at + amount
    account.until = max(account.until, end)
    return max(0.0, end - paid)
