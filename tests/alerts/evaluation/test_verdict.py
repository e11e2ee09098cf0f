"""What counts as how bad, judged from one run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evaluation.verdict import aggregate, compare, evaluate, judge, overall
from probe.core.causes import Cause
from probe.core.model import (
    Aggregation,
    FailurePolicy,
    Limits,
    LimitSide,
    Sample,
    Status,
    Threshold,
    Verdict,
)
from tests.fake_kind import TOY_SECONDS, result_of, toy, toy_kind

LIMITS = Limits(objective=0.5, warning=1.0, critical=2.0)
RELAYS = toy_kind(
    failing=FailurePolicy(
        Verdict.CRITICAL,
        severity_with_backup=Verdict.WARNING,
        warning_only_causes=frozenset({Cause.HAIRPIN_FAILED}),
    )
)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.5, Verdict.OK),
        (0.51, Verdict.OBJECTIVE_MISSED),
        (1.0, Verdict.OBJECTIVE_MISSED),
        (1.01, Verdict.WARNING),
        (2.0, Verdict.WARNING),
        (2.01, Verdict.CRITICAL),
    ],
)
def test_a_value_on_a_limit_is_still_good_and_beyond_it_is_not(
    value: float, verdict: Verdict
) -> None:
    assert compare(value, Threshold(TOY_SECONDS, LIMITS)) is verdict


def test_a_limit_can_be_a_lower_one() -> None:
    threshold = Threshold(TOY_SECONDS, Limits(warning=14.0, critical=3.0), bad=LimitSide.BELOW)
    found = [compare(value, threshold) for value in (14.0, 13.9, 2.9)]
    assert found == [Verdict.OK, Verdict.WARNING, Verdict.CRITICAL]


def test_an_empty_limit_stays_empty() -> None:
    assert compare(1e9, Threshold(TOY_SECONDS, Limits())) is Verdict.OK


def test_too_few_samples_are_unknown_and_move_nothing() -> None:
    threshold = Threshold(TOY_SECONDS, LIMITS, Aggregation.P95, window=300, minimum_samples=20)
    kind = toy_kind(thresholds=(threshold,))
    check = toy(kind=kind)
    judgement = judge([check], {"toy": result_of("toy", samples={TOY_SECONDS: 99.0})})
    assert [each.verdict for each in judgement.evaluations] == [Verdict.UNKNOWN]
    assert judgement.evaluations[0].value is None
    assert judgement.verdict is Verdict.OK


def test_enough_samples_are_judged_by_their_p95() -> None:
    threshold = Threshold(TOY_SECONDS, LIMITS, Aggregation.P95, window=300, minimum_samples=20)
    samples = [Sample(TOY_SECONDS, 0.1)] * 18 + [Sample(TOY_SECONDS, 1.5)] * 2
    (found,) = evaluate("toy", threshold, samples)
    assert (found.value, found.verdict) == (1.5, Verdict.WARNING)


def test_a_value_that_is_no_number_is_no_data() -> None:
    samples = [Sample(TOY_SECONDS, float("nan"))]
    (found,) = evaluate("toy", Threshold(TOY_SECONDS, LIMITS), samples)
    assert (found.value, found.verdict) == (None, Verdict.UNKNOWN)


def test_a_missed_objective_is_shown_and_disturbs_no_one() -> None:
    kind = toy_kind(thresholds=(Threshold(TOY_SECONDS, LIMITS),))
    judgement = judge([toy(kind=kind)], {"toy": result_of("toy", samples={TOY_SECONDS: 0.7})})
    assert [each.verdict for each in judgement.evaluations] == [Verdict.OBJECTIVE_MISSED]
    assert judgement.checks == {"toy": Verdict.OK}


def test_a_breach_makes_a_check_that_works_critical() -> None:
    kind = toy_kind(thresholds=(Threshold(TOY_SECONDS, LIMITS),))
    judgement = judge([toy(kind=kind)], {"toy": result_of("toy", samples={TOY_SECONDS: 3.0})})
    assert judgement.checks == {"toy": Verdict.CRITICAL}


def test_a_check_can_have_limits_of_its_own() -> None:
    kind = toy_kind(thresholds=(Threshold(TOY_SECONDS, LIMITS),))
    check = toy(kind=kind, thresholds={TOY_SECONDS.name: {"warning": 5.0}})
    judgement = judge([check], {"toy": result_of("toy", samples={TOY_SECONDS: 3.0})})
    assert judgement.checks == {"toy": Verdict.OK}


def _relays(*statuses: Status, cause: Cause = Cause.CONNECT_REFUSED) -> list[Verdict]:
    checks = [toy(f"relay-{n}", RELAYS, team="relays") for n, _ in enumerate(statuses)]
    results = {
        check.name: result_of(check.name, status, cause)
        for check, status in zip(checks, statuses, strict=True)
    }
    return list(judge(checks, results).checks.values())


def test_one_relay_that_fails_while_another_works_is_a_warning() -> None:
    assert _relays(Status.FAILED, Status.OK) == [Verdict.WARNING, Verdict.OK]


def test_no_relay_that_works_is_critical() -> None:
    assert _relays(Status.FAILED, Status.FAILED) == [Verdict.CRITICAL, Verdict.CRITICAL]


def test_a_relay_that_could_not_be_measured_backs_no_one_up() -> None:
    assert _relays(Status.FAILED, Status.UNKNOWN) == [Verdict.CRITICAL, Verdict.UNKNOWN]


def test_a_hairpin_alone_never_pages() -> None:
    assert _relays(Status.FAILED, cause=Cause.HAIRPIN_FAILED) == [Verdict.WARNING]


def test_checks_of_other_groups_back_no_one_up() -> None:
    checks = [toy("relay", RELAYS, team="relays"), toy("other", RELAYS, team="others")]
    results = {
        "relay": result_of("relay", Status.FAILED),
        "other": result_of("other"),
    }
    assert judge(checks, results).checks["relay"] is Verdict.CRITICAL


def test_a_check_can_say_itself_how_bad_its_failing_is() -> None:
    check = toy(severity="warning")
    judgement = judge([check], {"toy": result_of("toy", Status.FAILED)})
    assert judgement.checks["toy"] is Verdict.WARNING


def test_unknown_is_never_failed_and_counts_for_core_kinds() -> None:
    judgement = judge([toy()], {"toy": result_of("toy", Status.UNKNOWN)})
    assert judgement.checks["toy"] is Verdict.UNKNOWN
    assert judgement.verdict is Verdict.UNKNOWN


def test_unknown_of_another_kind_counts_only_if_it_is_named() -> None:
    check = toy(kind=toy_kind(core=False))
    results = {"toy": result_of("toy", Status.UNKNOWN)}
    assert judge([check], results).verdict is Verdict.OK
    assert judge([check], results, ["toy"]).verdict is Verdict.UNKNOWN


def test_the_whole_is_as_bad_as_the_exit_codes_order_says() -> None:
    assert overall([Verdict.WARNING, Verdict.UNKNOWN]) is Verdict.UNKNOWN
    assert overall([Verdict.UNKNOWN, Verdict.CRITICAL]) is Verdict.CRITICAL
    assert overall([]) is Verdict.OK


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200))
def test_a_p95_was_measured_and_at_most_a_twentieth_is_beyond_it(values: list[float]) -> None:
    p95 = aggregate(values, Aggregation.P95)
    assert p95 in values
    assert sum(value > p95 for value in values) <= len(values) / 20


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_aggregates_lie_between_the_least_and_the_greatest(values: list[float]) -> None:
    for aggregation in Aggregation:
        found = aggregate(values, aggregation)
        assert min(values) - 1e-9 <= found <= max(values) + 1e-9


def test_what_a_check_need_not_measure_is_not_missed() -> None:
    asked_for = Threshold(TOY_SECONDS, LIMITS, optional=True)
    assert evaluate("toy", asked_for, []) == []
    assert len(evaluate("toy", asked_for, [Sample(TOY_SECONDS, 0.1)])) == 1


def test_what_could_not_be_measured_is_more_severe_than_a_warning() -> None:
    kind = toy_kind(thresholds=(Threshold(TOY_SECONDS, LIMITS),))
    result = result_of("toy", Status.UNKNOWN, samples={TOY_SECONDS: 1.5})
    judgement = judge([toy(kind=kind)], {"toy": result})
    assert (judgement.checks["toy"], judgement.verdict) == (Verdict.UNKNOWN, Verdict.UNKNOWN)
