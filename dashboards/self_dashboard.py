"""The probe's own health and resource usage."""

from dashboards.model import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    Dashboard,
    DashboardRow,
    Panel,
    PanelQuery,
    PanelType,
)
from dashboards.signal_panels import selector

UID = "probe-itself"
_HERE = '{job=~"$job", region=~"$region"}'
_JOB = '{job=~"$job"}'
_QUANTILES = (0.5, 0.9, 0.99)


def itself() -> Dashboard:
    """The dashboard about the probe itself."""
    return Dashboard(
        UID,
        "Probe: itself",
        "Scheduling, event loop, memory, history, notifications, and the load that checks cause.",
        (
            DashboardRow("Health", _health()),
            DashboardRow("Scheduling", _scheduling()),
            DashboardRow("Resource usage", _resource_usage()),
            DashboardRow("History and notifications", _history()),
        ),
    )


def _health() -> tuple[Panel, ...]:
    return (
        Panel(
            "Probes",
            "Version and region of each probe.",
            (PanelQuery(f"sum by (region, version, python) (probe_build_info{_HERE})", now=True),),
            shape=PanelType.TABLE,
            width=12,
            height=6,
        ),
        _flag(
            "Configuration",
            "Whether the last reload succeeded.",
            "probe_config_last_reload_successful",
        ),
        _flag("History", "Whether results are written to the history.", "probe_history_healthy"),
        Panel(
            "Uptime",
            "Time since the start.",
            (
                PanelQuery(
                    _of_probes(f"(time() - process_start_time_seconds{_JOB})"),
                    "{{region}}",
                    True,
                ),
            ),
            unit="s",
            shape=PanelType.STAT,
            width=4,
            height=6,
        ),
    )


def _flag(title: str, text: str, name: str) -> Panel:
    return Panel(
        title,
        text,
        (PanelQuery(f"min by (region) ({_of_probes(name + _JOB)})", "{{region}}", True),),
        shape=PanelType.STAT,
        value_mappings=((0, "error", RED), (1, "ok", GREEN)),
        width=4,
        height=6,
    )


def _quantiles(name: str) -> tuple[PanelQuery, ...]:
    rate = f"sum by (le, region) ({_of_probes(f'rate({name}_bucket{_JOB}[$__rate_interval])')})"
    return tuple(
        PanelQuery(f"histogram_quantile({q}, {rate})", f"p{round(100 * q)} {{{{region}}}}")
        for q in _QUANTILES
    )


def _scheduling() -> tuple[Panel, ...]:
    return (
        Panel(
            "Event loop lag",
            "Measurements are off by as much as the event loop lags.",
            _quantiles("probe_loop_lag_seconds"),
            unit="s",
            thresholds=((None, GREEN), (0.1, ORANGE)),
            least=0,
        ),
        Panel(
            "Schedule lateness",
            "How long after its due time each run started.",
            _quantiles("probe_schedule_lateness_seconds"),
            unit="s",
            least=0,
        ),
        Panel(
            "Runs by result",
            "Runs per minute.",
            (
                PanelQuery(
                    f"60 * sum by (status) (rate(probe_runs_total{selector()}[$__rate_interval]))",
                    "{{status}}",
                ),
            ),
            shape=PanelType.STACK,
            unit="cpm",
            least=0,
        ),
        _runs_left_out(),
    )


def _runs_left_out() -> Panel:
    return Panel(
        "Runs skipped or missed",
        "Skipped: the previous run had not ended. Missed: the process was stalled.",
        (
            PanelQuery(
                'sum by (check) (increase(probe_runs_skipped_total{job=~"$job", check=~"$check"}'
                "[$__rate_interval]))",
                "skipped {{check}}",
            ),
            PanelQuery(
                'sum by (check) (increase(probe_runs_missed_total{job=~"$job", check=~"$check"}'
                "[$__rate_interval]))",
                "missed {{check}}",
            ),
        ),
        thresholds=((None, GREEN), (1, ORANGE)),
        least=0,
        empty="No run was skipped or missed",
    )


def _resource_usage() -> tuple[Panel, ...]:
    return (
        Panel(
            "Runs per day",
            "By kind, from the intervals: the load on the application's plans.",
            (
                PanelQuery(
                    f"sum by (kind) (86400 / probe_interval_seconds{selector()})", "{{kind}}", True
                ),
            ),
            shape=PanelType.BARS,
            least=0,
        ),
        Panel(
            "Memory",
            "Resident, of the probe's process.",
            (_own(f"process_resident_memory_bytes{_JOB}", "{{region}}"),),
            unit="bytes",
            least=0,
        ),
        Panel(
            "CPU",
            "Of one core.",
            (_own(f"rate(process_cpu_seconds_total{_JOB}[$__rate_interval])", "{{region}}"),),
            unit="percentunit",
            least=0,
        ),
        Panel(
            "Open files",
            "File descriptors; connections still closing after finished runs.",
            (
                _own(f"process_open_fds{_JOB}", "files {{region}}"),
                _own(f"probe_pending_closings{_JOB}", "closings {{region}}"),
            ),
            least=0,
        ),
    )


def _of_probes(expr: str) -> str:
    """A probe's own metrics have no region label; probe_build_info has."""
    return f"{expr} * on (job, instance) group_left(region) probe_build_info{_HERE}"


def _own(expr: str, legend: str) -> PanelQuery:
    return PanelQuery(_of_probes(expr), legend)


def _history() -> tuple[Panel, ...]:
    return (
        Panel(
            "History: size",
            "Size on disk.",
            (_own(f"probe_history_bytes{_JOB}", "{{region}}"),),
            unit="bytes",
            least=0,
        ),
        Panel(
            "History: entries",
            "Written per second; pending; lost.",
            (
                _own(
                    f"rate(probe_history_written_entries_total{_JOB}[$__rate_interval])",
                    "written {{region}}",
                ),
                _own(f"probe_history_waiting_entries{_JOB}", "waiting {{region}}"),
                _own(
                    f"increase(probe_history_lost_entries_total{_JOB}[$__rate_interval])",
                    "lost {{region}}",
                ),
            ),
            least=0,
        ),
        Panel(
            "Notifications",
            "Pending, and permanently refused among the last 50.",
            (
                _own(f"probe_notifications_waiting{_JOB}", "waiting {{region}}"),
                _own(f"probe_notifications_refused{_JOB}", "refused {{region}}"),
            ),
            thresholds=((None, GREEN), (1, ORANGE)),
            least=0,
        ),
        _heartbeat(),
    )


def _heartbeat() -> Panel:
    return Panel(
        "Heartbeat",
        "Time since the last heartbeat to the dead man's switch; empty without one.",
        (
            PanelQuery(
                _of_probes(f"(time() - probe_heartbeat_last_success_timestamp_seconds{_JOB})"),
                "{{region}}",
            ),
        ),
        unit="s",
        thresholds=((None, GREEN), (120, BLUE), (300, RED)),
        least=0,
        empty="PROBE_HEARTBEAT_URL is not set",
    )
