"""Uses are counted by day and by month, through restarts and clocks that jump."""

from datetime import UTC, datetime

from probe.budget.quota_usage import QuotaUsage
from probe.core.kind import QuotaUse

DAY = 86400.0


def at(day: int, hour: float = 0.0, month: int = 6) -> float:
    return datetime(2026, month, day, tzinfo=UTC).timestamp() + hour * 3600


def test_what_lingers_is_shared_by_runs_that_follow_soon() -> None:
    ledger, awake = QuotaUsage(), (QuotaUse("neon", 300.0, shared_window=True),)
    for second in (0, 10, 100, 1000):
        ledger.add(awake, at(1) + second)
    assert ledger.used("neon", "day", at(1, 1)) == 400 + 300


def test_a_clock_that_was_set_back_does_not_end_the_counting() -> None:
    ledger, awake = QuotaUsage(), (QuotaUse("neon", 300.0, shared_window=True),)
    ledger.add(awake, at(20))
    ledger.add(awake, at(20) - 10 * DAY)
    assert ledger.used("neon", "month", at(20)) == 600


def test_a_new_day_and_a_new_month_start_at_zero() -> None:
    ledger, use = QuotaUsage(), (QuotaUse("upstash", 7.0),)
    for moment in (at(29, 23.9), at(30, 0.1), at(30, 23.9)):
        ledger.add(use, moment)
    assert ledger.used("upstash", "day", at(30, 23.95)) == 14
    assert ledger.used("upstash", "month", at(30, 23.95)) == 21
    assert ledger.used("upstash", "day", at(1, 0, month=7)) == 0
    ledger.add(use, at(1, 0, month=7))
    assert ledger.used("upstash", "month", at(1, 0, month=7)) == 7


def test_counting_goes_on_from_what_was_counted_of_the_same_period() -> None:
    ledger = QuotaUsage()
    ledger.restore("upstash", "day", 500.0, 0.0, at(15, 3))
    ledger.add((QuotaUse("upstash", 7.0),), at(15, 4))
    assert ledger.used("upstash", "day", at(15, 4)) == 507
    late = QuotaUsage()
    late.restore("upstash", "day", 500.0, 0.0, at(14, 23))
    assert late.used("upstash", "day", at(15)) == 0
