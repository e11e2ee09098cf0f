"""A check that fails has no more series than its kind's number, and says why it fails."""

import re
from collections import Counter

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from alerts.model import Alert, Fingerprint, Severity
from probe.core.causes import Cause
from probe.core.kind import Check
from probe.core.model import SUCCESS, Failure, Result, Sample, Status, Verdict
from probe.core.thresholds import FAILING
from probe.metrics.exporter import Exporter, expose
from probe.metrics.series_count import limits_reached, passing_run
from tests.alerts.checks import plan_of_everything
from tests.clocks import Clock
from tests.fake_kind import result_of, toy

# What rules, annotations and the table of what fails read.
NEEDED = {
    "probe_success",
    "probe_duration_seconds",
    "probe_last_run_timestamp_seconds",
    "probe_interval_seconds",
    "probe_failure_info",
    "probe_failures_total",
    "probe_failing_since_timestamp_seconds",
    "probe_runs_total",
}


def failing(check: Check, cause: Cause, phase: str | None = None) -> Result:
    """A run that measures everything and fails at its end: the most that there can be."""
    result = passing_run(check)
    phase = phase or list(result.phases)[-1]
    failure = Failure(phase, cause, "answered 503", "look at its log")
    known = tuple(each for each in result.samples if each.signal != SUCCESS)
    samples = (Sample(SUCCESS, 0.0), *known)
    return replace(result, status=Status.FAILED, failure=failure, samples=samples)


def names(exporter: Exporter) -> Counter[str]:
    """How many series each metric has, without those of the exporter itself."""
    text = expose(exporter, CollectorRegistry(), None)[0].decode()
    found = re.findall(r"^(\w+?)(?:_bucket|_count|_sum)?{.*check=", text, re.MULTILINE)
    return Counter(found)


def alert(check: Check, rule: str, severity: Severity) -> Alert:
    """An alert that fires."""
    return Alert(
        Fingerprint(check.name, rule),
        severity,
        since=1.0,
        fired=2.0,
        summary="answered 503",
        kind=check.kind.name,
        target=check.table.target,
        region="lax",
        runbook="backend-down",
        phase="request",
        cause="http_status",
    )


@pytest.mark.parametrize("check", plan_of_everything(), ids=lambda check: check.name)
def test_it_is_the_same_bound_in_every_state(check: Check) -> None:
    clock, firing = Clock(), list[Alert]()
    exporter = Exporter(region="lax", full=False, clock=clock, alerts=lambda: firing)
    exporter.set_checks([check])

    def series() -> int:
        return exporter.series()[check.name]

    passing = passing_run(check)
    exporter.observe(passing, limits_reached(check, passing, Verdict.OK))
    most = check.kind.series
    assert series() <= most
    for cause in (Cause.HTTP_STATUS, Cause.DEADLINE, Cause.TLS_INVALID):
        result = failing(check, cause)
        exporter.observe(result, limits_reached(check, result, Verdict.OK))
        assert series() <= most, cause
    firing.append(alert(check, FAILING, Severity.CRITICAL))
    assert series() <= most
    if not check.table.is_reference:
        alerting = {"probe_alert_severity", "probe_alert_info", "probe_objective_missed"}
        assert names(exporter).keys() >= NEEDED | alerting
    firing.clear()
    exporter.observe(passing, limits_reached(check, passing, Verdict.OK))
    assert series() <= most
    exporter.observe(result_of(check.name, Status.UNKNOWN, Cause.RATE_LIMITED))
    assert series() <= most


def test_of_a_value_beyond_its_limit_the_limit_stays() -> None:
    (check,) = [each for each in plan_of_everything() if each.name == "health"]
    exporter = Exporter(region="lax", full=False)
    exporter.set_checks([check])
    result = failing(check, Cause.HTTP_STATUS)
    exporter.observe(result, limits_reached(check, result, Verdict.CRITICAL))
    text = expose(exporter, CollectorRegistry(), None)[0].decode()
    for name in ("judged", "threshold"):
        assert re.search(rf"^probe_{name}{{.*probe_http_response_seconds", text, re.MULTILINE)
    # Phases make room, but for the one that failed.
    phases = re.findall(r'^probe_phase_duration_seconds{.*phase="(\w+)"', text, re.MULTILINE)
    assert len(phases) < 4


def test_many_causes_make_room_when_they_are_an_hour_old_and_return_with_their_value() -> None:
    clock = Clock()
    exporter = Exporter(region="lax", full=False, clock=clock)
    (check,) = [each for each in plan_of_everything() if each.name == "frontend"]
    exporter.set_checks([check])

    def counts() -> dict[str, float]:
        text = expose(exporter, CollectorRegistry(), None)[0].decode()
        found = re.findall(r'^probe_failures_total{.*cause="(\w+)".*} (\S+)$', text, re.MULTILINE)
        return {cause: float(value) for cause, value in found}

    def fail(cause: Cause) -> None:
        result = failing(check, cause, "processing")
        exporter.observe(result, limits_reached(check, result, Verdict.OK))

    for _ in range(2):
        fail(Cause.DEADLINE)
    clock.pass_(60.0)
    assert counts() == {"deadline": 2.0}
    clock.pass_(3600.0)
    for cause in (Cause.HTTP_STATUS, Cause.TLS_INVALID, Cause.CONNECT_REFUSED):
        fail(cause)
    assert set(counts()) == {"http_status", "tls_invalid", "connect_refused"}
    fail(Cause.DEADLINE)
    assert counts()["deadline"] == 2.0  # as before, so that the rise is seen
    clock.pass_(60.0)
    assert counts() == {
        "deadline": 3.0,
        "http_status": 1.0,
        "tls_invalid": 1.0,
        "connect_refused": 1.0,
    }


def test_a_check_with_room_leaves_nothing_out() -> None:
    clock = Clock()
    exporter = Exporter(region="lax", full=False, clock=clock)
    exporter.set_checks([toy("toy")])
    exporter.observe(result_of("toy", Status.FAILED, Cause.HTTP_STATUS))
    clock.pass_(7200.0)
    assert names(exporter)["probe_failures_total"] == 1
    exporter.observe(result_of("toy", Status.FAILED, Cause.HTTP_STATUS))
    text = expose(exporter, CollectorRegistry(), None)[0].decode()
    assert re.search(r"^probe_failures_total{.*} 2.0$", text, re.MULTILINE)
