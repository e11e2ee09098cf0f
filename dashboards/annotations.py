"""What happened, on every panel: failures and recoveries, incidents, starts, deployments."""

from grafana_foundation_sdk.builders import dashboard

from dashboards.grafana_panels import SOURCE

_WHICH = '{job=~"$job", region=~"$region", check=~"$check"}'
_PROBE = 'probe_build_info{job=~"$job", region=~"$region"}'


def annotations() -> list[dashboard.AnnotationQuery]:
    """All of them; each says which way it went."""
    before = f"probe_success{_WHICH} offset 1m"
    return [
        _annotation(
            "Failures",
            "red",
            f"(probe_success{_WHICH} == 0) and ({before} == 1)",
            "{{check}} fails, seen from {{region}}",
        ),
        _annotation(
            "Recoveries",
            "green",
            f"(probe_success{_WHICH} == 1) and ({before} == 0)",
            "{{check}} passes again, seen from {{region}}",
        ),
        _annotation(
            "Incidents",
            "purple",
            'ALERTS{alertstate="firing", severity="critical", scope="global", job=~"$job", '
            'check=~"$check"}',
            "{{alertname}}: {{check}}",
        ),
        _annotation(
            "Starts of a probe",
            "blue",
            'changes(process_start_time_seconds{job=~"$job"}[2m]) * on (job, instance) '
            f"group_left(region) {_PROBE} > 0",
            "the probe in {{region}} was started",
        ),
        _annotation(
            "Deployments",
            "orange",
            f"resets(probe_app_uptime_seconds{_WHICH}[2m]) > 0",
            "the application was restarted",
        ),
    ]


def _annotation(name: str, colour: str, expr: str, title: str) -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(True)
        .icon_color(colour)
        .expr(expr)
        .step("1m")
        .title_format(title)
        .tag_keys("check,region")
    )
