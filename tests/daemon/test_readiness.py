"""What counts as having looked at everything."""

from probe.daemon.readiness import SLACK_SECONDS, Readiness
from probe.daemon.schedule import FIRST_ROUND_SECONDS
from tests.clocks import Clock
from tests.fake_kind import toy

# When a first result is overdue.
FIRST = FIRST_ROUND_SECONDS + SLACK_SECONDS


def rounds_of(*names: str) -> Readiness:
    """Rounds over toys of these names, which run every ten seconds with a deadline of three."""
    rounds = Readiness(Clock())
    rounds.set_checks([toy(name, interval=10, deadline=3) for name in names])
    return rounds


def test_the_first_round_ends_with_the_last_check() -> None:
    rounds = rounds_of("a", "b")
    rounds.done("a", 1.0)
    assert rounds.pending == ["b"]
    assert rounds.is_first("b")
    rounds.done("b", 2.0)
    assert rounds.pending == []


def test_the_first_round_waits_for_none_that_may_take_longer_than_it() -> None:
    rounds = Readiness(Clock())
    rounds.set_checks(
        [toy("quick", interval=10, deadline=3), toy("slow", interval=600, deadline=150)]
    )
    assert rounds.pending == ["quick"]
    assert rounds.overdue(FIRST) == []
    assert rounds.overdue(FIRST + 1) == ["quick"]
    assert rounds.overdue(FIRST + 151) == ["quick", "slow"]
    assert rounds.is_first("slow")
    rounds.done("quick", 1.0)
    rounds.done("slow", 1.0)
    assert rounds.overdue(800.0) == ["quick", "slow"]


def test_a_check_is_overdue_when_its_turn_its_deadline_and_the_slack_are_over() -> None:
    rounds = rounds_of("a", "b")
    assert rounds.overdue(FIRST + 1) == ["a", "b"]
    rounds.done("a", 0.0)
    rounds.done("b", 5.0)
    longest = 10 + 3 + SLACK_SECONDS
    assert rounds.overdue(longest) == []
    assert rounds.overdue(longest + 1) == ["a"]


def test_a_check_that_is_gone_or_changed_is_not_taken_for_done() -> None:
    rounds = rounds_of("a", "b")
    rounds.done("a", 0.0)
    rounds.done("gone", 0.0)
    rounds.forget("a")
    assert rounds.pending == ["a", "b"]
    rounds.set_checks([toy("b")])
    assert rounds.pending == ["b"]
