"""Every rule asks for metrics and labels that a real daemon has, as the lab has them."""

import re
from pathlib import Path

import pytest
import yaml

from alerts.prometheus.rules import rules_file
from probe.kinds import KINDS
from tests.dashboards.scene import REASONS, scene

# Labels that are rightly missing here, each with its reason.
LATER = {("probe_alert_severity", "component"): "only what fires has it; nothing does yet"}
# Made by Prometheus itself, and what a rule makes of a series.
_OF_PROMETHEUS = {"up", "ALERTS"}
_SELECTOR = re.compile(r"([a-z_:][a-zA-Z0-9_:]*)\s*\{([^}]*)\}")
_MATCHER = re.compile(r'([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"')
_SERIES = re.compile(r"^([a-z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ", re.MULTILINE)
_LABEL = re.compile(r'([a-zA-Z_]\w*)="')
# Of the scrape, and of other sites.
_OF_SCRAPE = {"job", "instance"}


def asked_for() -> dict[str, set[str]]:
    """Metrics of rules, with the labels that they are selected by."""
    found: dict[str, set[str]] = {}
    document = yaml.safe_load(rules_file(KINDS))
    for rule in (rule for group in document["groups"] for rule in group["rules"]):
        for name, matchers in _SELECTOR.findall(rule["expr"]):
            if ":" not in name and name not in _OF_PROMETHEUS:
                found.setdefault(name, set()).update(_MATCHER.findall(matchers))
    return found


@pytest.mark.proof
@pytest.mark.parts
async def test_every_metric_and_label_of_a_rule_exists(tmp_path: Path) -> None:
    async with scene(tmp_path) as made:
        made.lab.set_knob("primary.error", "486")
        await made.prometheus.until('probe_failure_info{kind="turn"}')
        _, page = await made.running.get("/metrics")
    there: dict[str, set[str]] = {}
    for name, labels in _SERIES.findall(page):
        there.setdefault(name, set()).update(_LABEL.findall(labels))
    asked = asked_for()
    assert asked
    missing = {name for name in asked if name not in there and name not in REASONS}
    pairs = {(name, label) for name in asked.keys() & there.keys() for label in asked[name]}
    wrong = {(name, label) for name, label in pairs if label not in there[name] | _OF_SCRAPE}
    assert (missing, wrong - LATER.keys()) == (set(), set())
