"""The state of a check, since when, and the changes reported."""

import gc

import pytest

from alerts.evaluation.check_state import Change, CheckStates, longest_window
from probe.core.causes import Cause
from probe.core.kind import Check
from probe.core.model import (
    Aggregation,
    FailurePolicy,
    Limits,
    Result,
    Sample,
    Status,
    Threshold,
    Verdict,
)
from probe.history.model import StatePeriod
from tests.fake_kind import TOY_SECONDS, result_of, toy, toy_kind

SLOW = Threshold(
    TOY_SECONDS,
    Limits(warning=1.0),
    aggregation=Aggregation.P95,
    window=300.0,
    minimum_samples=3,
)


def board_of(*checks: Check) -> CheckStates:
    """A board that watches these."""
    board = CheckStates()
    board.set_checks(checks)
    return board


def take(board: CheckStates, result: Result, at: float) -> list[Change]:
    """Hand in a result whose run began ``at`` seconds after 1970, on both clocks."""
    return board.update(result, at, at)


def verdicts(changes: list[Change]) -> list[tuple[str, Verdict | None, Verdict]]:
    return [(change.check.name, change.was, change.now) for change in changes]


def test_a_check_that_passes_from_the_start_is_no_change() -> None:
    board = board_of(toy())
    assert take(board, result_of("toy"), 10.0) == []
    stand = board.state("toy")
    assert stand is not None
    assert (stand.verdict, stand.since) == (Verdict.OK, 10.0)


def test_a_failure_is_reported_once_and_its_end_with_its_beginning() -> None:
    board = board_of(toy())
    take(board, result_of("toy"), 10.0)
    changes = take(board, result_of("toy", Status.FAILED), 20.0)
    assert verdicts(changes) == [("toy", Verdict.OK, Verdict.CRITICAL)]
    assert take(board, result_of("toy", Status.FAILED, Cause.DEADLINE), 30.0) == []
    (change,) = take(board, result_of("toy"), 40.0)
    assert (change.was, change.now, change.since, change.at) == (
        Verdict.CRITICAL,
        Verdict.OK,
        20.0,
        40.0,
    )


def test_a_warning_that_becomes_critical_is_the_same_failure() -> None:
    kind = toy_kind(failing=FailurePolicy(Verdict.CRITICAL, severity_with_backup=Verdict.WARNING))
    board = board_of(toy("a", kind, team="t"), toy("b", kind, team="t"))
    take(board, result_of("b"), 1.0)
    take(board, result_of("a", Status.FAILED), 2.0)
    changes = take(board, result_of("b", Status.FAILED), 3.0)
    assert verdicts(changes) == [
        ("b", Verdict.OK, Verdict.CRITICAL),
        ("a", Verdict.WARNING, Verdict.CRITICAL),
    ]
    stand = board.state("a")
    assert stand is not None
    assert stand.since == 2.0


def test_what_backs_up_a_failed_check_makes_it_a_warning_again() -> None:
    kind = toy_kind(failing=FailurePolicy(Verdict.CRITICAL, severity_with_backup=Verdict.WARNING))
    board = board_of(toy("a", kind, team="t"), toy("b", kind, team="t"))
    take(board, result_of("a", Status.FAILED), 1.0)
    take(board, result_of("b", Status.FAILED), 2.0)
    changes = take(board, result_of("b"), 3.0)
    assert ("a", Verdict.CRITICAL, Verdict.WARNING) in verdicts(changes)
    assert board.verdict is Verdict.WARNING


def test_windows_hold_the_samples_of_many_runs() -> None:
    board = board_of(toy("toy", toy_kind(thresholds=(SLOW,)), interval=10))
    for number in range(2):
        take(board, result_of("toy", samples={TOY_SECONDS: 5.0}), number)
    stand = board.state("toy")
    assert stand is not None
    assert stand.evaluations[0].verdict is Verdict.UNKNOWN
    changes = take(board, result_of("toy", samples={TOY_SECONDS: 5.0}), 2.0)
    assert verdicts(changes) == [("toy", Verdict.OK, Verdict.WARNING)]
    assert verdicts(take(board, result_of("toy"), 400.0)) == [("toy", Verdict.WARNING, Verdict.OK)]


def test_windows_are_as_long_as_their_samples_need() -> None:
    slow_check = toy("toy", toy_kind(thresholds=(SLOW,)), interval=600)
    assert longest_window([slow_check]) == 4 * 600.0
    assert longest_window([toy("toy", toy_kind(thresholds=(SLOW,)), interval=10)]) == 300.0
    assert longest_window([toy()]) == 0.0


def test_samples_of_the_time_before_a_restart_count() -> None:
    board = board_of(toy("toy", toy_kind(thresholds=(SLOW,)), interval=10))
    for at in (-500.0, -20.0, -10.0):
        board.restore_samples("toy", at, [Sample(TOY_SECONDS, 5.0)])
    changes = take(board, result_of("toy", samples={TOY_SECONDS: 5.0}), 0.0)
    assert verdicts(changes) == [("toy", None, Verdict.WARNING)]


@pytest.mark.parametrize(
    ("status", "changes"),
    [(Status.FAILED, []), (Status.OK, [("toy", Verdict.CRITICAL, Verdict.OK)])],
)
def test_since_when_survives_a_restart(
    status: Status, changes: list[tuple[str, Verdict, Verdict]]
) -> None:
    board = CheckStates()
    board.restore({"toy": StatePeriod("toy", 100.0, None, Verdict.CRITICAL)})
    board.set_checks([toy()])
    assert verdicts(take(board, result_of("toy", status), 500.0)) == changes
    stand = board.state("toy")
    assert stand is not None
    assert stand.since == (100.0 if status is Status.FAILED else 500.0)


def test_unknown_is_reported_and_is_no_failure() -> None:
    board = board_of(toy())
    take(board, result_of("toy"), 1.0)
    changes = take(board, result_of("toy", Status.UNKNOWN, Cause.OWN_NETWORK), 2.0)
    assert verdicts(changes) == [("toy", Verdict.OK, Verdict.UNKNOWN)]
    assert board.verdict is Verdict.UNKNOWN


def test_a_changed_or_removed_check_starts_over() -> None:
    old = toy("toy")
    board = board_of(old)
    take(board, result_of("toy", Status.FAILED), 1.0)
    board.set_checks([old, toy("other")])
    assert board.state("toy") is not None
    board.set_checks([toy("toy", deadline=3)])
    assert board.state("toy") is None
    assert take(board, result_of("other"), 2.0) == []


def test_a_board_without_results_has_nothing_to_complain_about() -> None:
    assert board_of(toy()).verdict is Verdict.OK


def test_nothing_is_critical_before_what_backs_it_up_has_run() -> None:
    kind = toy_kind(failing=FailurePolicy(Verdict.CRITICAL, severity_with_backup=Verdict.WARNING))
    board = board_of(toy("a", kind, team="t"), toy("b", kind, team="t"))
    changes = take(board, result_of("a", Status.FAILED), 1.0)
    assert verdicts(changes) == [("a", None, Verdict.WARNING)]
    changes = take(board, result_of("b", Status.FAILED), 2.0)
    assert ("a", Verdict.WARNING, Verdict.CRITICAL) in verdicts(changes)


def test_the_samples_of_a_window_are_nothing_to_scan_for_the_garbage_collector() -> None:
    board = board_of(toy(kind=toy_kind(thresholds=(SLOW,))))

    def scanned_after(first: int, last: int) -> int:
        for second in range(first, last):
            samples = {TOY_SECONDS: 0.1 + second / 1000}
            take(board, result_of("toy", samples=samples), float(second))
        gc.collect()
        return len(gc.get_objects())

    few = scanned_after(0, 10)
    assert scanned_after(10, 290) - few < 50
