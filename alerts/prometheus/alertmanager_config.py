"""An Alertmanager configuration for the rules: ``probe rules --alertmanager``.

All firing alerts of one subject are one notification, as with the probe's own notifiers. What
several regions agree on inhibits what each of them says, and a silent region says nothing new.
Secrets are read from files, which Alertmanager documents for ``slack_api_url_file`` and
``routing_key_file`` (0.25 and newer).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from alerts.prometheus.alert_rules import sample_labels
from alerts.prometheus.promql import SITE
from alerts.prometheus.self_rules import ABSENT, SILENT
from alerts.prometheus.slo_rules import BURN
from alerts.prometheus.yaml import dump
from probe.core.kind import Kind

SECRETS = "/etc/alertmanager/secrets"
# A message has room for so many alerts; its title says how many there are.
MAX_ALERTS = 8

_HEAD = f"""\
# Made by `probe rules --alertmanager`: a configuration to start from, which
# `amtool check-config` checks.
# Two files hold what is secret, alone on their line:
#   {SECRETS}/slack_webhook           the address of an incoming webhook
#   {SECRETS}/pagerduty_routing_key   the integration key of an Events API v2 service
"""

_SITE_NAME = (
    "{{ with .GroupLabels.environment }}{{ . }}: {{ else }}"
    "{{ with .GroupLabels.job }}{{ . }}: {{ end }}{{ end }}"
)
_WORST = (
    '{{ $worst := "warning" }}{{ range .Alerts.Firing }}'
    '{{ if eq .Labels.severity "critical" }}{{ $worst = "critical" }}{{ end }}{{ end }}'
)
_MORE = "{{ if gt (len .Alerts%s) 1 }} and {{ len (slice .Alerts%s 1) }} more{{ end }}"


# Slack's three control characters: Alertmanager leaves them in, and an annotation may have a text
# of a target's, which would mention a whole channel.
_FOR_SLACK = "".join(
    f' | reReplaceAll "{character}" "&{name};"'
    for character, name in (("&", "amp"), ("<", "lt"), (">", "gt"))
)


def _summary(which: str, shown: str) -> str:
    summary = f"{{{{ (index .Alerts{which} 0).Annotations.summary{shown} }}}}"
    return f"{_SITE_NAME}{summary}" + _MORE % (which, which)


def _title(shown: str = "") -> str:
    """``shown``: what a receiver needs to show a text as it is."""
    firing, over = _summary(".Firing", shown), _summary("", shown)
    return (
        f'{{{{ if eq .Status "firing" }}}}{_WORST}[{{{{ $worst | toUpper }}}}] {firing}'
        f"{{{{ else }}}}[RESOLVED] {over}{{{{ end }}}}"
    )


_TEXT = (
    f"{{{{ range $index, $alert := .Alerts }}}}{{{{ if lt $index {MAX_ALERTS} }}}}"
    f'{{{{ if eq $alert.Status "firing" }}}}*{{{{ $alert.Annotations.summary{_FOR_SLACK} }}}}*\n'
    f"{{{{ $alert.Annotations.description{_FOR_SLACK} }}}}"
    "{{ with $alert.Annotations.runbook_url }} <{{ . }}|Runbook>{{ end }}"
    "{{ with $alert.Annotations.dashboard_url }} <{{ . }}|Dashboard>{{ end }}\n"
    f"{{{{ else }}}}{{{{ $alert.Annotations.summary{_FOR_SLACK} }}}}: over\n"
    "{{ end }}{{ end }}{{ end }}"
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
        "group_by": [*SITE, "subject"],
        "group_wait": "10s",
        "group_interval": "2m",
        "repeat_interval": "4h",
        "routes": [
            {"matchers": ['severity="info"'], "receiver": "none"},
            {"matchers": ['severity="critical"'], "receiver": "pagerduty", "continue": True},
            {"matchers": ['severity=~"warning|critical"'], "receiver": "slack"},
        ],
    }


def inhibitions(labels: Sequence[str]) -> list[dict[str, Any]]:
    """Inhibition rules; ``labels`` distinguish the values of one check."""
    check = [*SITE, "check"]
    down = ['scope="global"', 'symptom="down"']
    return [
        _inhibition(['scope="global"'], ['scope="region"'], [*check, "signal", *labels]),
        _inhibition(down, ['symptom=~"slow|degraded"'], check),
        _inhibition(down, [f'alertname="{BURN}"'], check),
        _inhibition(
            [f'alertname="{SILENT}"'],
            ['scope="region"', f'alertname!="{SILENT}"'],
            [*SITE, "region"],
        ),
        _inhibition([f'alertname="{ABSENT}"'], [f'alertname="{SILENT}"'], []),
    ]


def _inhibition(source: list[str], target: list[str], equal: list[str]) -> dict[str, Any]:
    rule = {"source_matchers": source, "target_matchers": target}
    return {**rule, "equal": equal} if equal else rule


def _receivers() -> list[dict[str, Any]]:
    pagerduty = {
        "routing_key_file": f"{SECRETS}/pagerduty_routing_key",
        "send_resolved": True,
        "severity": "critical",
        "class": "{{ .CommonLabels.alertname }}",
        "component": "{{ .GroupLabels.subject }}",
        "group": "{{ .CommonLabels.service }}",
        "description": _title(),
    }
    slack = {
        "api_url_file": f"{SECRETS}/slack_webhook",
        "send_resolved": True,
        "color": f'{{{{ if eq .Status "firing" }}}}{_WORST}'
        '{{ if eq $worst "critical" }}danger{{ else }}warning{{ end }}'
        "{{ else }}good{{ end }}",
        "title": _title(_FOR_SLACK),
        "text": _TEXT,
    }
    return [
        {"name": "none"},
        {"name": "pagerduty", "pagerduty_configs": [pagerduty]},
        {"name": "slack", "slack_configs": [slack]},
    ]
