"""Probe: its own health, and what it takes from others."""

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
_HERE = '{region=~"$region"}'
_QUANTILES = (0.5, 0.9, 0.99)


def itself() -> Dashboard:
    """The dashboard about who watches."""
    return Dashboard(
        UID,
        "Probe: itself",
        "Who watches the watcher: rhythm, event loop, memory, history, messages, and what the "
        "checks cause.",
        (
            DashboardRow("Is it well", _well()),
            DashboardRow("Rhythm", _rhythm()),
            DashboardRow("What it takes", _takes()),
            DashboardRow("History and messages", _history()),
        ),
    )


def _well() -> tuple[Panel, ...]:
    return (
        Panel(
            "Probes",
            "Which probe runs where.",
            (PanelQuery(f"sum by (region, version, python) (probe_build_info{_HERE})", now=True),),
            shape=PanelType.TABLE,
            width=12,
            height=6,
        ),
        _flag(
            "Configuration",
            "Whether it was right when it was last read.",
            "probe_config_last_reload_successful",
        ),
        _flag("History", "Whether results are kept as they should be.", "probe_history_healthy"),
        Panel(
            "Up for",
            "Since its start.",
            (
                PanelQuery(
                    _of_probes("(time() - process_start_time_seconds)"),
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
        (PanelQuery(f"min by (region) ({_of_probes(name)})", "{{region}}", True),),
        shape=PanelType.STAT,
        words=((0, "wrong", RED), (1, "right", GREEN)),
        width=4,
        height=6,
    )


def _quantiles(name: str) -> tuple[PanelQuery, ...]:
    rate = f"sum by (le, region) ({_of_probes(f'rate({name}_bucket[$__rate_interval])')})"
    return tuple(
        PanelQuery(f"histogram_quantile({q}, {rate})", f"p{round(100 * q)} {{{{region}}}}")
        for q in _QUANTILES
    )


def _rhythm() -> tuple[Panel, ...]:
    return (
        Panel(
            "Event loop: late by",
            "What the loop is late, measurements are wrong by.",
            _quantiles("probe_loop_lag_seconds"),
            unit="s",
            thresholds=((None, GREEN), (0.1, ORANGE)),
            least=0,
        ),
        Panel(
            "Runs: begun late by",
            "How long after its time each run was begun.",
            _quantiles("probe_schedule_lateness_seconds"),
            unit="s",
            least=0,
        ),
        Panel(
            "Runs by what they found",
            "Runs a minute.",
            (
                PanelQuery(
                    f"60 * sum by (status) (rate(probe_runs_total{selector()}[$__rate_interval]))",
                    "{{status}}",
                ),
            ),
            shape=PanelType.STACK,
            unit="rpm",
            least=0,
        ),
        _runs_left_out(),
    )


def _runs_left_out() -> Panel:
    return Panel(
        "Turns left out",
        "Skipped: the run before had not ended. Missed: the process was held up.",
        (
            PanelQuery(
                'sum by (check) (increase(probe_runs_skipped_total{check=~"$check"}'
                "[$__rate_interval]))",
                "skipped {{check}}",
            ),
            PanelQuery(
                'sum by (check) (increase(probe_runs_missed_total{check=~"$check"}'
                "[$__rate_interval]))",
                "missed {{check}}",
            ),
        ),
        thresholds=((None, GREEN), (1, ORANGE)),
        least=0,
    )


def _takes() -> tuple[Panel, ...]:
    return (
        Panel(
            "Runs a day",
            "By kind, from the intervals: what the plans behind the application are asked for.",
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
            (_own("process_resident_memory_bytes", "{{region}}"),),
            unit="bytes",
            least=0,
        ),
        Panel(
            "CPU",
            "Of one core.",
            (_own("rate(process_cpu_seconds_total[$__rate_interval])", "{{region}}"),),
            unit="percentunit",
            least=0,
        ),
        Panel(
            "Open files",
            "Descriptors; closings that go on behind finished runs.",
            (
                _own("process_open_fds", "files {{region}}"),
                _own("probe_pending_closings", "closings {{region}}"),
            ),
            least=0,
        ),
    )


def _of_probes(expr: str) -> str:
    """What a probe says of itself has no region of its own; its build has."""
    return f"{expr} * on (job, instance) group_left(region) probe_build_info{_HERE}"


def _own(expr: str, legend: str) -> PanelQuery:
    return PanelQuery(_of_probes(expr), legend)


def _history() -> tuple[Panel, ...]:
    return (
        Panel(
            "History: size",
            "What it takes up.",
            (_own("probe_history_bytes", "{{region}}"),),
            unit="bytes",
            least=0,
        ),
        Panel(
            "History: entries",
            "Written a second; not yet written; lost.",
            (
                PanelQuery(
                    _of_probes("rate(probe_history_written_entries_total[$__rate_interval])"),
                    "written {{region}}",
                ),
                _own("probe_history_waiting_entries", "waiting {{region}}"),
                PanelQuery(
                    _of_probes("increase(probe_history_lost_entries_total[$__rate_interval])"),
                    "lost {{region}}",
                ),
            ),
            least=0,
        ),
        Panel(
            "Messages",
            "Not yet taken by a service; refused for good, of the last 50.",
            (
                _own("probe_notifications_waiting", "waiting {{region}}"),
                _own("probe_notifications_refused", "refused {{region}}"),
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
                _of_probes("(time() - probe_heartbeat_last_success_timestamp_seconds)"),
                "{{region}}",
            ),
        ),
        unit="s",
        thresholds=((None, GREEN), (120, BLUE), (300, RED)),
        least=0,
    )
