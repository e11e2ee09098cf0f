"""The whole rules file: ``probe rules``."""

from collections.abc import Iterable
from typing import Any

from alerts.prometheus import alert_rules, self_rules, slo_rules
from alerts.prometheus.promql import Alerting, Group, Recording, Rule, duration
from alerts.prometheus.yaml import dump
from probe.core.kind import Kind

_HEAD = """\
# Made by `probe rules`; `make dashboards` regenerates it. The probe judges by its own limits and
# times, these rules count the regions that agree. For Prometheus 2.42 and newer, and what evaluates
# its rules. Alertmanager's part comes from `probe rules --alertmanager`.
#
# Groups have intervals of their own, so one reads what another has recorded before.
# pint file/disable rule/dependency
"""


def groups(kinds: Iterable[Kind[Any, Any]]) -> tuple[Group, ...]:
    """All rules. Within a group, recording rules precede the rules that read them."""
    return (
        Group("probe-alerts", tuple(alert_rules.rules(kinds))),
        Group("probe-itself", tuple(self_rules.alerts())),
        Group("probe-objectives", tuple(slo_rules.errors()), every=30.0),
        Group("probe-budgets", tuple(slo_rules.alerts()), every=60.0),
    )


def rules_file(kinds: Iterable[Kind[Any, Any]]) -> str:
    """The rules file for Prometheus, as YAML."""
    return _HEAD + dump({"groups": [_group(group) for group in groups(kinds)]})


def _group(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "interval": duration(group.every),
        "rules": [_rule(rule) for rule in group.rules],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    if isinstance(rule, Recording):
        found: dict[str, Any] = {"record": rule.record, "expr": rule.expr}
        return {**found, "labels": dict(rule.labels)} if rule.labels else found
    return _alerting(rule)


def _alerting(rule: Alerting) -> dict[str, Any]:
    return {
        "alert": rule.alert,
        "expr": rule.expr,
        **({"for": duration(rule.hold)} if rule.hold else {}),
        **({"keep_firing_for": duration(rule.keep)} if rule.keep else {}),
        **({"labels": dict(rule.labels)} if rule.labels else {}),
        "annotations": dict(rule.annotations),
    }
