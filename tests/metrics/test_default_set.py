"""The default set is small, and says what rules need; the full one is what there was."""

import re
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from alerts.model import Alert, Fingerprint, Severity
from probe.core.causes import Cause
from probe.core.kind import Check
from probe.core.model import Status
from probe.kinds.http import KIND as HTTP
from probe.metrics.check_metrics import FROM_ZERO_SECONDS
from probe.metrics.exporter import Exporter, expose
from tests.alerts.checks import plan_of_everything
from tests.bench.rules import page, passing, plan
from tests.clocks import Clock
from tests.fake_kind import result_of, toy

MOST_OF_HTTP, MOST = 25, 40
# What comes and goes in numbers that no check decides: machines, sources, queries.
UNBOUNDED = {"fly", "app_metrics"}


def series(text: str, check: str) -> list[str]:
    """The lines about a check."""
    return [line for line in text.splitlines() if f'check="{check}"' in line]


def test_an_http_check_over_tls_has_at_most_25_series() -> None:
    text = page(plan(2), "lax", full=False).decode()
    assert 10 < len(series(text, "page-1")) <= MOST_OF_HTTP


def test_a_thousand_checks_are_about_three_megabytes_at_most() -> None:
    size = len(page(plan(50), "lax", full=False)) * 20
    assert size < 3.2e6


@pytest.mark.parametrize("check", plan_of_everything(), ids=lambda check: check.name)
def test_every_check_has_few_series(check: Check) -> None:
    if check.kind.name in UNBOUNDED:
        return
    exporter = Exporter(region="lax", full=False)
    exporter.set_checks([check])
    exporter.observe(passing(check, 1.7e9))
    most = MOST_OF_HTTP if check.kind is HTTP else MOST
    assert exporter.series()[check.name] <= most


def test_what_fires_carries_what_its_alert_is_named_by() -> None:
    check = toy("toy")
    alert = Alert(
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
    firing: list[Alert] = []
    links = {"runbook": "https://probe.example.org/runbooks/backend-down", "wiki": "x"}
    exporter = Exporter(
        region="lax", full=False, alerts=lambda: firing, links=lambda _: tuple(links.items())
    )
    exporter.set_checks([check])

    def lines(name: str) -> list[str]:
        text = expose(exporter, CollectorRegistry(), None)[0].decode()
        return re.findall(rf"^{name}{{.*$", text, re.MULTILINE)

    # Before the first measured result nothing is said of it.
    assert lines("probe_alert_severity") == []
    exporter.observe(result_of("toy", Status.UNKNOWN, Cause.RATE_LIMITED))
    assert lines("probe_alert_severity") == []
    exporter.observe(result_of("toy", Status.OK, Cause.HTTP_STATUS))
    (well,) = lines("probe_alert_severity")
    assert well.endswith(" 0.0")
    assert "component" not in well
    exporter.observe(result_of("toy", Status.FAILED, Cause.HTTP_STATUS))
    firing.append(alert)
    (fires,) = lines("probe_alert_severity")
    assert fires.endswith(" 2.0")
    assert 'component="Toy"' in fires
    (info,) = lines("probe_alert_info")
    assert 'runbook_url="https://probe.example.org/runbooks/backend-down"' in info
    assert 'cause="http_status"' in info
    (missed,) = lines("probe_objective_missed")
    assert 'urgency="page"' in missed
    firing[0] = replace(alert, severity=Severity.WARNING)
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
