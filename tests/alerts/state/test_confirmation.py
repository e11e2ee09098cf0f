"""An alert is looked at again before people are notified of it, if that costs little."""

from typing import Any

from msgspec.structs import replace

from alerts.model import Alert
from alerts.state.confirmation import DOUBTFUL_WAIT, Confirmation
from probe.core.kind import Check
from probe.core.model import FailurePolicy, Status, Verdict
from tests.alerts.words import an_alert
from tests.fake_kind import result_of, toy, toy_kind


def check(name: str = "a", **table: Any) -> Check:
    """A check whose failure fires after 30 s."""
    kind = toy_kind(failing=FailurePolicy(Verdict.CRITICAL, hold=30.0), retry=10.0)
    return toy(name, kind, **{"interval": 10, **table})


def alert(since: float = 0.0) -> Alert:
    """An alert about it."""
    return an_alert("a", since)


def failed(here: Confirmation, at: float, name: str = "a") -> None:
    """A check fails."""
    here.add_result(replace(result_of(name, Status.FAILED), duration=0.0), at)


def test_a_fresh_failure_is_certain() -> None:
    here = Confirmation()
    failed(here, 30.0)
    assert here.is_confirmed(alert(), check(), 31.0)
    assert here.wanted() == set()


def test_an_older_result_is_confirmed_and_counts_without_an_answer() -> None:
    here = Confirmation()
    failed(here, 20.0)
    assert not here.is_confirmed(alert(), check(), 30.0)
    assert (here.wanted(), here.wanted()) == ({"a"}, set())
    assert here.next_time(30.0) == 31.0
    assert not here.is_confirmed(alert(), check(), 30.5)
    assert here.wanted() == set()
    assert here.is_confirmed(alert(), check(), 31.0)


def test_the_answer_decides() -> None:
    here = Confirmation()
    failed(here, 20.0)
    here.is_confirmed(alert(), check(), 30.0)
    failed(here, 30.2)
    assert here.is_confirmed(alert(), check(), 30.3)


def test_an_answer_counts_however_late_it_is_read() -> None:
    here = Confirmation()
    failed(here, 20.0)
    assert not here.is_confirmed(alert(), check(), 30.0)
    failed(here, 30.2)
    assert here.is_confirmed(alert(), check(), 45.0)


def test_answers_that_keep_coming_do_not_put_it_off() -> None:
    here, at = Confirmation(), 20.0
    failed(here, at)
    for _ in range(2):
        # Each is looked at 5 s after it came.
        confirmed = here.is_confirmed(alert(), check(), at + 5.0)
        at += 10.0
        failed(here, at)
    assert confirmed


def test_a_pass_in_between_asks_again() -> None:
    here = Confirmation()
    failed(here, 20.0)
    assert not here.is_confirmed(alert(), check(), 30.0)
    here.add_result(result_of("a"), 31.0)
    assert not here.is_confirmed(alert(), check(), 32.0)
    failed(here, 40.0)
    assert not here.is_confirmed(alert(), check(), 45.0)


def test_a_recovery_of_what_failed_together_is_reason_to_doubt() -> None:
    here = Confirmation()
    failed(here, 5.0, "b")
    failed(here, 20.0)
    here.add_result(result_of("b"), 25.0)
    assert not here.is_confirmed(alert(), check(), 30.0)
    assert not here.is_confirmed(alert(), check(), 29.0 + DOUBTFUL_WAIT)
    assert here.is_confirmed(alert(), check(), 30.0 + DOUBTFUL_WAIT)
    # A failure that is seen afterwards is beyond doubt.
    failed(here, 70.0)
    assert here.is_confirmed(alert(), check(), 71.0)


def test_a_recovery_of_what_failed_at_another_time_is_none() -> None:
    here = Confirmation()
    failed(here, 5.0, "b")
    failed(here, 995.0)
    here.add_result(result_of("b"), 1000.0)
    assert here.is_confirmed(alert(990.0), check(), 996.5)


def test_what_runs_seldom_is_not_run_for_it() -> None:
    here, seldom = Confirmation(), check(interval=900, retry=60)
    failed(here, 20.0)
    assert here.is_confirmed(alert(), seldom, 50.0)
    failed(here, 5.0, "b")
    here.add_result(result_of("b"), 25.0)
    assert not here.is_confirmed(alert(), seldom, 50.0)
    assert here.is_confirmed(alert(), seldom, 80.0)
    assert here.wanted() == set()


def test_a_run_that_could_not_measure_confirms_nothing() -> None:
    here = Confirmation()
    failed(here, 29.0)
    here.add_result(result_of("a", Status.UNKNOWN), 29.5)
    # The failure is fresh, and the machine has stood still since.
    assert not here.is_confirmed(alert(), check(), 30.0)
    assert here.wanted() == {"a"}
    assert not here.is_confirmed(alert(), check(), 30.0 + DOUBTFUL_WAIT - 0.1)
    here.add_result(result_of("a", Status.OK), 50.0)
    assert not here.is_confirmed(alert(), check(), 50.1)


def test_a_failure_after_a_run_that_could_not_measure_is_certain() -> None:
    here = Confirmation()
    failed(here, 29.0)
    here.add_result(result_of("a", Status.UNKNOWN), 29.5)
    assert not here.is_confirmed(alert(), check(), 30.0)
    failed(here, 31.0)
    assert here.is_confirmed(alert(), check(), 31.1)


def test_runs_that_cannot_measure_hold_no_page_for_ever() -> None:
    here = Confirmation()
    failed(here, 29.0)
    for at in (29.5, 35.0, 45.0):
        here.add_result(result_of("a", Status.UNKNOWN), at)
        here.is_confirmed(alert(), check(), at + 0.5)
    assert here.is_confirmed(alert(), check(), 30.0 + DOUBTFUL_WAIT)


def test_what_is_seen_to_fail_may_have_begun_after_the_last_good_run() -> None:
    here = Confirmation()
    assert here.earliest(alert(5000.0), 3600.0) == 1400.0
    here.add_result(result_of("a", Status.OK), 4700.0)
    failed(here, 5000.0)
    assert here.earliest(alert(5000.0), 3600.0) == 4700.0
    assert here.earliest(alert(5000.0), 60.0) == 4940.0
    of_a_value = replace(alert(5000.0).identity, rule="probe_value")
    assert here.earliest(replace(alert(5000.0), identity=of_a_value), 3600.0) == 5000.0
