"""A value's labels that are called like ours: every series has each label once, or Prometheus
would refuse the whole scrape."""

import re

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from alerts.evaluation.verdict import evaluate
from probe.core.model import Sample
from probe.metrics.exporter import Exporter, expose
from tests.alerts.state.test_labels import beyond, queried
from tests.clocks import Clock
from tests.fake_kind import result_of

NAMES = (
    ("signal", "urgency", "severity", "limit", "symptom"),
    ("check", "kind", "target", "job", "alertname"),
    ("aggregation", "window", "cause", "runbook_url", "exported_check"),
    ("component", "service", "subject", "scope", "le"),
    ("environment", "rule", "dashboard_url", "status_url", "phase"),
)


def exposition(names: tuple[str, ...], *, full: bool) -> str:
    """What is exported of a query with these labels whose value fires."""
    check = queried(*names)
    labels = {name: f"of-{name}" for name in names}
    signal = beyond(check, **labels).identity.rule
    (threshold,) = (each for each in check.table.check_thresholds if each.signal.name == signal)
    sample = Sample(threshold.signal, 0.9, labels, disturbed=True, denominator=3.0)
    result = replace(result_of(check.name), samples=(sample,))
    alert = beyond(check, **labels)
    made = Exporter(region="lax", clock=Clock(), full=full, alerts=lambda: [alert])
    made.set_checks([check])
    made.observe(result, evaluate(check.name, threshold, result.samples))
    return expose(made, CollectorRegistry(), None)[0].decode()


@pytest.mark.parametrize("full", [False, True], ids=["default", "full"])
@pytest.mark.parametrize("names", NAMES, ids=lambda names: names[0])
def test_each_series_has_each_label_once_and_says_what_we_mean(
    names: tuple[str, ...], full: bool
) -> None:
    text = exposition(names, full=full)
    for line in text.splitlines():
        if not line.startswith("#"):
            found = re.findall(r'(\w+)="', line)
            assert len(found) == len(set(found)), line
    series = {
        sample.name: sample.labels
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    for metric in ("probe_own_x_ratio", "probe_judged", "probe_alert_severity"):
        assert series[metric]["check"] == "fly-queries"
        # No value is lost.
        assert {f"of-{name}" for name in names} <= set(series[metric].values()), metric
    assert series["probe_alert_severity"]["signal"] == "probe_own_x_ratio"
    assert series["probe_alert_severity"].get("severity") is None
    # Apart from ours, a label keeps its name.
    kept = set(names) - {"check", "kind", "target"}
    assert kept <= series["probe_own_x_ratio"].keys()
