"""Rules on the probe's own health. They are warnings, for no target has to be broken; only that
nothing at all is monitored pages."""

from collections.abc import Iterator

from alerts.prometheus import annotations
from alerts.prometheus.alert_rules import INSTANCES, KEEP_SECONDS, LAST_SEEN
from alerts.prometheus.promql import SITE, Alerting, Rule, names, on
from alerts.runbooks import PROBE_PAGE, first_steps

# A probe's own metrics have no region label; probe_build_info has.
_REGION = "* on (job, instance) group_left(region) probe_build_info"

ABSENT, SILENT = "ProbeAbsent", "ProbeRegionSilent"

# Name, expression, seconds, what it means.
_RULES = (
    (
        ABSENT,
        "absent(probe_build_info)",
        300.0,
        "No probe reports metrics",
        "No target is monitored now, and no new alert of a check can fire.",
    ),
    (
        SILENT,
        f"max by ({names((*SITE, 'region'))}) (\n"
        f"  {INSTANCES} unless on (job, instance) probe_build_info\n)\n"
        f"or ({LAST_SEEN} unless {on((*SITE, 'region'))} probe_build_info)",
        120.0,
        "The probe in {{ $labels.region }} no longer reports metrics",
        "Its scrapes fail, or it is gone. Its alerts stay as they were until it is back; what "
        "breaks there meanwhile is not seen.",
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
        f"(probe_notifications_refused > 0) {_REGION}",
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
        "Its event loop lags by {{ $value | humanizeDuration }} in one of ten cases, and what "
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
    steps = "\n".join(f"{index}. {step}" for index, step in enumerate(first_steps(PROBE_PAGE), 1))
    for name, expr, hold, summary, text in _RULES:
        texts = {"summary": summary, "description": f"{text}\n{steps}"}
        texts |= annotations.of_probe(PROBE_PAGE)
        pages = name == ABSENT
        labels = {
            "severity": "critical" if pages else "warning",
            "scope": "global" if pages else "region",
            "service": "probe",
        }
        yield Alerting(name, expr, labels, texts, hold, KEEP_SECONDS)
