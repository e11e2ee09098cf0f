"""What panels ask for is what the default set has, label by label; "details" need the full set."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache, partial

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from alerts.model import Severity
from alerts.prometheus.rules import rules_file
from dashboards.dashboards import boards
from dashboards.signal_panels import DETAILS
from probe.core.causes import Cause
from probe.core.model import Status, Verdict
from probe.core.thresholds import FAILING
from probe.kinds import KINDS
from probe.metrics.exporter import Exporter, expose
from probe.metrics.series_count import limits_reached, passing_run
from tests.alerts.checks import plan_of_everything
from tests.fake_kind import result_of
from tests.metrics.test_series_bound import alert, failing

Labels = Mapping[str, str]
_SELECTOR = re.compile(r"\b(probe_\w+)(\{[^}]*\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
VARIABLES = ("job", "region", "check", "provider", "transport", "service", "datasource")


@cache
def exported() -> dict[str, list[Labels]]:
    """Every series of the default set that checks of every kind have while they pass or fail."""
    checks = plan_of_everything()
    firing = [alert(check, FAILING, Severity.CRITICAL) for check in checks]
    found: defaultdict[str, list[Labels]] = defaultdict(list)
    for fails in (False, True):
        alerts = firing if fails else []
        exporter = Exporter(region="lax", full=False, alerts=partial(tuple, alerts))
        exporter.set_checks(checks)
        for check in checks:
            exporter.observe(result_of(check.name, Status.UNKNOWN, Cause.RATE_LIMITED))
            text = expose(exporter, CollectorRegistry(), None)[0].decode() if fails else ""
            _note(text, found)
            result = failing(check, Cause.HTTP_STATUS) if fails else passing_run(check)
            exporter.observe(result, limits_reached(check, result, Verdict.OK))
        _note(expose(exporter, CollectorRegistry(), None)[0].decode(), found)
    return found


def _note(text: str, found: defaultdict[str, list[Labels]]) -> None:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # Prometheus adds the job.
            found[sample.name].append({**sample.labels, "job": "probe"})


def unanswered(expr: str) -> Iterator[str]:
    """Selectors of an expression that no series of the default set fits; of metrics that checks
    have."""
    for name, matchers in _SELECTOR.findall(expr):
        if name not in exported():
            continue
        wanted = [
            (label, operator, _chosen(value))
            for label, operator, value in _MATCHER.findall(matchers)
        ]
        if not any(_fits(labels, wanted) for labels in exported()[name]):
            yield name + matchers


def _chosen(value: str) -> str:
    for name in VARIABLES:
        value = value.replace(f"${name}", ".*")
    return value.replace("\\\\", "\\")


def _fits(labels: Labels, wanted: list[tuple[str, str, str]]) -> bool:
    def holds(label: str, operator: str, value: str) -> bool:
        own = labels.get(label, "")
        if operator in ("=", "!="):
            return (own == value) is (operator == "=")
        return bool(re.fullmatch(value, own)) is (operator == "=~")

    return all(holds(*each) for each in wanted)


PANELS = {
    f"{board.uid}: {row.title}: {panel.title}": [query.expr for query in panel.queries]
    for board in boards(KINDS)
    for row in board.rows
    if not row.title.endswith(DETAILS)
    for panel in row.panels
}


@pytest.mark.parametrize("panel", PANELS)
def test_what_a_panel_asks_for_is_there_by_default(panel: str) -> None:
    assert [each for expr in PANELS[panel] for each in unanswered(expr)] == []


def test_what_rules_ask_for_is_there_by_default() -> None:
    text = rules_file(KINDS)
    known = set(_SELECTOR.findall(text))
    assert len(known) > 10
    assert list(unanswered(text)) == []


def test_a_label_that_only_the_full_set_has_is_found_out() -> None:
    expr = 'sum by (le) (increase(probe_http_response_histogram_seconds_bucket{kind="http"}[1h]))'
    assert list(unanswered(expr)) == ['probe_http_response_histogram_seconds_bucket{kind="http"}']
