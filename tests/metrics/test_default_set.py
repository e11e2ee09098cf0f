"""The default set is small, and says what rules need; the full one is what there was."""

import re
from collections import Counter

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from alerts.evaluation.check_state import CheckStates
from alerts.model import Alert, Fingerprint, Severity
from probe.config.check_plan import make_plan
from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Variables
from probe.core.kind import Check
from probe.core.model import Evaluation, Status, Verdict
from probe.core.runner import run_check
from probe.core.thresholds import thresholds_of
from probe.kinds import KINDS
from probe.kinds.http import KIND as HTTP
from probe.lab import Lab
from probe.metrics.exporter import Exporter, expose
from probe.metrics.failure_counts import FROM_ZERO_SECONDS
from probe.metrics.series_count import passing_run, series_of
from tests.alerts.checks import plan_of_everything
from tests.bench.rules import page, plan
from tests.clocks import Clock
from tests.fake_kind import result_of, toy

MAX_OF_HTTP, MAX_OF_OTHERS = 25, 40


def series(text: str, check: str) -> list[str]:
    """The lines about a check."""
    return [line for line in text.splitlines() if f'check="{check}"' in line]


def test_an_http_check_over_tls_has_at_most_25_series() -> None:
    text = page(plan(2), "lax", full=False).decode()
    assert 10 < len(series(text, "page-1")) <= MAX_OF_HTTP


def test_a_thousand_checks_are_three_megabytes_at_most() -> None:
    # Names of three digits more than these have.
    size = len(page(plan(50), "lax", full=False)) * 20 + 25 * 1000
    assert size <= 3_060_000
    assert len(page(plan(1000), "lax", full=False, runs=1)) <= 3_000_000


@pytest.mark.parametrize("check", plan_of_everything(), ids=lambda check: check.name)
def test_every_check_has_few_series(check: Check) -> None:
    (found,) = series_of([check], "lax")
    most = MAX_OF_HTTP if check.kind is HTTP else MAX_OF_OTHERS
    assert 8 < found.default <= most
    assert found.full > found.default


async def test_the_checks_of_the_lab_have_no_more_series_than_are_counted_for_them() -> None:
    exporter = Exporter(region="lax", full=False)
    async with Lab() as lab:
        plan = make_plan(KINDS, Variables(lab.environment()), {})
        checks = [check for check in plan.checks if check.is_regular]
        exporter.set_checks(checks)
        states = CheckStates()
        states.set_checks(checks)
        context = Context()
        for check in checks:
            result = await run_check(check, context)
            states.update(result, context.clock(), context.now())
            state = states.state(check.name)
            exporter.observe(result, state.evaluations if state else ())
    counted = {each.check: each.default for each in series_of(checks, "lax")}
    # What is there while this machine is busy comes and goes.
    disturbed = Counter(
        dict(labels)["check"]
        for page in exporter.collect()
        if page.name == "probe_sample_disturbed"
        for labels in (each.labels.items() for each in page.samples)
    )
    measured = {name: count - disturbed[name] for name, count in exporter.series().items()}
    above = {name: measured[name] for name, most in counted.items() if measured[name] > most}
    assert above == {}
    assert sum(measured.values()) > 0.5 * sum(counted.values())


def test_a_check_that_could_not_measure_counts_such_runs_from_zero() -> None:
    clock = Clock()
    exporter = Exporter(region="lax", full=False, clock=clock)
    exporter.set_checks([toy("toy")])

    def runs() -> dict[str, str]:
        text = expose(exporter, CollectorRegistry(), None)[0].decode()
        return dict(re.findall(r'^probe_runs_total{.*status="(\w+)".*} (\S+)$', text, re.MULTILINE))

    exporter.observe(result_of("toy", Status.OK, Cause.HTTP_STATUS))
    assert runs() == {"ok": "1.0", "failed": "0.0"}
    exporter.observe(result_of("toy", Status.UNKNOWN, Cause.RATE_LIMITED))
    assert runs() == {"ok": "1.0", "failed": "0.0", "unknown": "0.0"}
    clock.pass_(FROM_ZERO_SECONDS)
    assert runs() == {"ok": "1.0", "failed": "0.0", "unknown": "1.0"}


TOY_IS_DOWN = Alert(
    Fingerprint("toy", "failing"),
    Severity.CRITICAL,
    since=1.0,
    fired=2.0,
    summary="answered 503",
    kind="toy",
    target="toy://toy",
    region="lax",
    runbook="backend-down",
    phase="request",
    cause="http_status",
)


def test_what_fires_carries_what_its_alert_is_named_by() -> None:
    firing: list[Alert] = []
    links = {"runbook": "https://probe.example.org/runbooks/backend-down", "wiki": "x"}
    exporter = Exporter(
        region="lax", full=False, alerts=lambda: firing, links=lambda _: tuple(links.items())
    )
    exporter.set_checks([toy("toy")])

    def lines(name: str) -> list[str]:
        text = expose(exporter, CollectorRegistry(), None)[0].decode()
        return re.findall(rf"^{name}{{.*$", text, re.MULTILINE)

    # There is no series before the first measured result.
    assert lines("probe_alert_severity") == []
    exporter.observe(result_of("toy", Status.UNKNOWN, Cause.RATE_LIMITED))
    assert lines("probe_alert_severity") == []
    exporter.observe(result_of("toy", Status.OK, Cause.HTTP_STATUS))
    (well,) = lines("probe_alert_severity")
    assert well.endswith(" 0.0")
    assert "component" not in well
    exporter.observe(result_of("toy", Status.FAILED, Cause.HTTP_STATUS))
    firing.append(TOY_IS_DOWN)
    (fires,) = lines("probe_alert_severity")
    assert fires.endswith(" 2.0")
    assert 'component="Toy"' in fires
    (info,) = lines("probe_alert_info")
    assert 'runbook_url="https://probe.example.org/runbooks/backend-down"' in info
    assert 'cause="http_status"' in info
    (missed,) = lines("probe_objective_missed")
    assert 'urgency="page"' in missed
    firing[0] = replace(TOY_IS_DOWN, severity=Severity.WARNING)
    assert lines("probe_alert_severity")[0].endswith(" 1.0")
    firing.clear()
    assert lines("probe_alert_info") == []


def test_a_new_cause_counts_from_zero_so_that_increase_sees_it() -> None:
    clock = Clock()
    exporter = Exporter(region="lax", full=False, clock=clock)
    exporter.set_checks([toy("toy")])

    def failures() -> str:
        text = expose(exporter, CollectorRegistry(), None)[0].decode()
        found = re.search(r"^probe_failures_total{.*} (\S+)$", text, re.MULTILINE)
        assert found is not None
        return found[1]

    exporter.observe(result_of("toy", Status.FAILED, Cause.HTTP_STATUS))
    assert failures() == "0.0"
    clock.pass_(FROM_ZERO_SECONDS)
    assert failures() == "1.0"
    exporter.observe(result_of("toy", Status.FAILED, Cause.HTTP_STATUS))
    assert failures() == "2.0"


def test_a_certificates_remaining_time_is_exported_while_it_is_beyond_a_limit() -> None:
    (check,) = plan(1)
    exporter = Exporter(region="lax", full=False)
    exporter.set_checks([check])
    name = "probe_ssl_certificate_remaining_seconds"
    threshold = next(each for each in thresholds_of(check) if each.signal.name == name)

    def judged(value: float, verdict: Verdict) -> list[str]:
        result = passing_run(check)
        exporter.observe(result, [Evaluation(check.name, threshold, {}, value, verdict, 1)])
        text = expose(exporter, CollectorRegistry(), None)[0].decode()
        return re.findall(rf"^probe_(?:judged|threshold){{.*{name}.*$", text, re.MULTILINE)

    assert judged(30 * 86400.0, Verdict.OK) == []
    found = judged(86400.0, Verdict.CRITICAL)
    assert [line for line in found if line.startswith("probe_judged") and "86400" in line]
    assert [line for line in found if 'level="critical"' in line]


def test_the_histogram_of_http_is_short_and_whole() -> None:
    text = page(plan(1), "lax", full=False).decode()
    name = "probe_http_response_histogram_seconds"
    found = re.findall(rf"^{name}_(\w+){{(.*)}} 25.0$", text, re.MULTILINE)
    assert [suffix for suffix, _ in found] == ["bucket"] * 4 + ["count"]
    assert f"\n{name}_sum{{" in text
    assert all("target=" not in labels for _, labels in found)
    families = {each.name: each for each in text_string_to_metric_families(text)}
    assert families[name].type == "histogram"
