"""Rules on the probe's own health. All of them are warnings: no target has to be broken."""

from collections.abc import Iterator

from alerts.prometheus.failure_rules import steps
from alerts.prometheus.promql import Alerting, Rule
from alerts.runbooks import PROBE_PAGE

_SLUG = PROBE_PAGE

# A probe's own metrics have no region label; probe_build_info has.
_REGION = "* on (job, instance) group_left(region) probe_build_info"

# Name, expression, seconds, what it means.
_RULES = (
    (
        "ProbeAbsent",
        "absent(probe_build_info)",
        300.0,
        "No probe reports metrics",
        "No target is monitored now, and no alert of a check can fire.",
    ),
    (
        "ProbeRegionSilent",
        "max by (region) (max_over_time(probe_build_info[1h]))\n"
        "unless on (region) probe_build_info",
        300.0,
        "The probe in {{ $labels.region }} no longer reports metrics",
        "It reported within the last hour. Its alerts have ended with it.",
    ),
    (
        "ProbeConfigWrong",
        f"(probe_config_last_reload_successful == 0) {_REGION}",
        60.0,
        "The probe in {{ $labels.region }} could not reload its configuration",
        "It keeps the previous one. Its log and its status page report the errors.",
    ),
    (
        "ProbeHistoryUnhealthy",
        f"(probe_history_healthy == 0) {_REGION}",
        300.0,
        "The probe in {{ $labels.region }} can't write its history",
        "What it measures now may not survive a restart.",
    ),
    (
        "ProbeMessagesWait",
        f"(probe_notifications_waiting > 0) {_REGION}",
        600.0,
        "Notifications of the probe in {{ $labels.region }} have been pending for 10 minutes",
        "A receiver does not accept them: `probe alerts list` says which and why.",
    ),
    (
        "ProbeMessagesRefused",
        f"(increase(probe_notifications_refused[1h]) > 0) {_REGION}",
        0.0,
        "A receiver refuses notifications of the probe in {{ $labels.region }}",
        "Its address or its key is wrong: `probe alerts list` says which and why.",
    ),
    (
        "ProbeHeldUp",
        "(histogram_quantile(0.9, sum by (job, instance, le) "
        f"(rate(probe_loop_lag_seconds_bucket[5m]))) > 0.1) {_REGION}",
        300.0,
        "The event loop of the probe in {{ $labels.region }} lags",
        "Its event loop is late by {{ $value | humanizeDuration }} in one of ten cases, and what "
        "it measures is wrong by as much: give it more CPU or fewer checks.",
    ),
    (
        "ProbeHeartbeatFails",
        f"(increase(probe_heartbeat_failures_total[5m]) > 2) {_REGION}",
        0.0,
        "The heartbeat of the probe in {{ $labels.region }} does not arrive",
        "The dead man's switch will report the probe as down.",
    ),
)


def alerts() -> Iterator[Rule]:
    """One rule for each way in which the probe itself fails."""
    for name, expr, hold, summary, text in _RULES:
        words = {
            "summary": summary,
            "description": f"{text}\n{steps(_SLUG)}",
            "runbook": _SLUG,
        }
        yield Alerting(name, expr, {"severity": "warning", "scope": "region"}, words, hold)
