"""The schedule of an open model, and how users of a closed one arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.load.arrivals import Arrivals, first_start
from probe.load.plan import LoadPlan, Spending, divide, divide_spending


def starts(plan: LoadPlan) -> list[float]:
    return Arrivals(plan).remaining()


def test_arrivals_come_evenly_whatever_the_target_does() -> None:
    assert starts(LoadPlan(1, 2.0, rate=4.0)) == pytest.approx([0.25 * n for n in range(8)])


def test_in_the_ramp_the_rate_grows_evenly_from_nothing() -> None:
    found = starts(LoadPlan(1, 20.0, rate=10.0, ramp=10.0))
    in_ramp = [at for at in found if at < 10]
    assert len(in_ramp) == 50
    first, second = (sum(low <= at < low + 5 for at in in_ramp) for low in (0, 5))
    assert second == pytest.approx(3 * first, abs=2)
    assert len([at for at in found if at >= 10]) == 100


@given(
    st.integers(1, 40),
    st.integers(1, 8),
    st.floats(0.1, 200),
    st.floats(0.5, 20),
    st.floats(0, 1),
)
def test_shares_of_workers_are_the_whole_schedule(
    users: int, workers: int, rate: float, duration: float, ramp: float
) -> None:
    plan = LoadPlan(users, duration, rate=rate, ramp=ramp * duration)
    shares = divide(plan, workers)
    assert sum(share.users for share in shares) == users
    assert all(share.users for share in shares)
    assert sorted(at for share in shares for at in starts(share)) == pytest.approx(starts(plan))


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 50))
def test_shares_of_a_budget_are_no_more_than_it(requests: int, size: int, workers: int) -> None:
    limit = Spending(requests, 7, size)
    parts = divide_spending(limit, workers)
    assert sum(parts, Spending()) == limit


def test_users_of_all_workers_arrive_one_after_the_other_during_the_ramp() -> None:
    plan = LoadPlan(6, 60.0, ramp=12.0)
    shares = divide(plan, 2)
    found = [first_start(share, n) for share in shares for n in range(share.users)]
    assert sorted(found) == pytest.approx([0, 2, 4, 6, 8, 10])
