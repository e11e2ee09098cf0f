"""Results that change nothing wake nothing: only time and what happens do."""

from alerts.config import AlertingConfig
from alerts.own_alerts import OwnProblem
from alerts.pipeline import Pipeline
from probe.core.kind import Check
from probe.core.model import Status
from tests.fake_kind import result_of, toy


def taken(pipeline: Pipeline, check: Check, status: Status, at: float) -> None:
    """A result of a check, at a time."""
    pipeline.handle_result(check, result_of(check.name, status), (), at, backed_up=False)


def idle(pipeline: Pipeline) -> bool:
    """Whether there is nothing to do."""
    return pipeline.is_idle


def test_passing_results_leave_nothing_to_do_and_a_failure_does_until_it_is_over() -> None:
    pipeline, check = Pipeline(AlertingConfig("lax")), toy("a")
    pipeline.set_checks([check], 0.0)
    pipeline.flush(0.0)
    taken(pipeline, check, Status.OK, 1.0)
    assert idle(pipeline)
    taken(pipeline, check, Status.FAILED, 2.0)
    assert not idle(pipeline)
    pipeline.flush(2.0)
    assert not idle(pipeline)  # it is pending
    taken(pipeline, check, Status.OK, 3.0)
    assert not idle(pipeline)  # the next flush stores that it is no longer pending
    for number in range(10):  # k of n remembers a failure for some results
        pipeline.flush(4.0 + number)
        taken(pipeline, check, Status.OK, 4.0 + number)
    assert idle(pipeline)


def test_no_measurement_and_an_own_problem_are_something_to_do() -> None:
    pipeline, check = Pipeline(AlertingConfig("lax")), toy("a")
    pipeline.set_checks([check], 0.0)
    pipeline.flush(0.0)
    taken(pipeline, check, Status.UNKNOWN, 1.0)
    assert not idle(pipeline)
    other = Pipeline(AlertingConfig("lax"))
    other.set_own({"disk": OwnProblem("the disk is full")}, 1.0)
    assert not idle(other)
