"""An Alertmanager configuration for the rules: ``probe rules --alertmanager``.

All firing alerts of one subject are one notification, as with the probe's own notifiers. What
several regions agree on inhibits what each of them says. Secrets are read from files, which
Alertmanager documents for ``slack_api_url_file`` and ``routing_key_file`` (0.25 and newer).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from alerts.prometheus.failure_rules import FAILING
from alerts.prometheus.limit import sample_labels
from alerts.prometheus.promql import JOIN
from alerts.prometheus.slo_rules import BURN
from alerts.prometheus.yaml import dump
from probe.core.kind import Kind

SECRETS = "/etc/alertmanager/secrets"

_HEAD = f"""\
# Made by `probe rules --alertmanager`: a configuration to begin with, which
# `amtool check-config` checks.
# Two files hold what is secret, alone on their line:
#   {SECRETS}/slack_webhook           the address of an incoming webhook
#   {SECRETS}/pagerduty_routing_key   the integration key of an Events API v2 service
"""

_TITLE = (
    '{{ if eq .Status "firing" }}[{{ .CommonLabels.severity | toUpper }}] '
    "{{ else }}[RESOLVED] {{ end }}"
    "{{ with .CommonAnnotations.summary }}{{ . }}{{ else }}"
    "{{ .Alerts | len }} alerts: {{ .GroupLabels.subject }}{{ end }}"
)
_TEXT = (
    '{{ range .Alerts }}{{ if eq .Status "firing" }}*{{ .Annotations.summary }}*\n'
    "{{ .Annotations.description }}\n{{ else }}{{ .Annotations.summary }}: over\n{{ end }}{{ end }}"
)


def alertmanager_file(kinds: Iterable[Kind[Any, Any]]) -> str:
    """The configuration, as YAML."""
    return _HEAD + dump(
        {
            "global": {"resolve_timeout": "5m"},
            "route": _route(),
            "inhibit_rules": inhibitions(sample_labels(kinds)),
            "receivers": _receivers(),
        }
    )


def _route() -> dict[str, Any]:
    return {
        "receiver": "slack",
        "group_by": ["subject"],
        "group_wait": "10s",
        "group_interval": "1m",
        "repeat_interval": "4h",
        "routes": [
            {"matchers": ['severity="info"'], "receiver": "none"},
            {"matchers": ['severity="critical"'], "receiver": "pagerduty", "continue": True},
            {"matchers": ['severity=~"warning|critical"'], "receiver": "slack"},
        ],
    }


def inhibitions(labels: Sequence[str]) -> list[dict[str, Any]]:
    """Inhibition rules; ``labels`` distinguish the values of one check."""
    what = ["alertname", "kind", "check", *labels]
    return [
        _inhibition(['scope="global"'], ['scope="region"'], what),
        _inhibition(
            ['scope="region"', 'level="critical"'],
            ['scope="region"', 'level="warning"'],
            [*what, *(name for name in JOIN if name not in what)],
        ),
        _inhibition(
            [f'alertname="{FAILING}"', 'scope="global"'], [f'alertname="{BURN}"'], ["check"]
        ),
        _inhibition(
            [f'alertname="{FAILING}"', 'scope="region"'],
            [f'alertname="{BURN}"', 'severity="warning"'],
            ["check", "region"],
        ),
    ]


def _inhibition(source: list[str], target: list[str], equal: list[str]) -> dict[str, Any]:
    return {"source_matchers": source, "target_matchers": target, "equal": equal}


def _receivers() -> list[dict[str, Any]]:
    pagerduty = {
        "routing_key_file": f"{SECRETS}/pagerduty_routing_key",
        "send_resolved": True,
        "severity": "critical",
        "class": "{{ .CommonLabels.alertname }}",
        "component": "{{ .GroupLabels.subject }}",
        "group": "{{ .CommonLabels.kind }}",
        "description": _TITLE,
    }
    slack = {
        "api_url_file": f"{SECRETS}/slack_webhook",
        "send_resolved": True,
        "color": '{{ if eq .Status "firing" }}'
        '{{ if eq .CommonLabels.severity "critical" }}danger{{ else }}warning{{ end }}'
        "{{ else }}good{{ end }}",
        "title": _TITLE,
        "text": _TEXT,
    }
    return [
        {"name": "none"},
        {"name": "pagerduty", "pagerduty_configs": [pagerduty]},
        {"name": "slack", "slack_configs": [slack]},
    ]
