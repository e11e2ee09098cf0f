"""Probe: its own health, and what it takes from others."""

from dashboards.model import BLUE, GREEN, ORANGE, RED, Board, Panel, Query, Row, Shape
from dashboards.signals import chosen

UID = "probe-itself"
_HERE = '{region=~"$region"}'
_QUANTILES = (0.5, 0.9, 0.99)


def itself() -> Board:
    """The dashboard about who watches."""
    return Board(
        UID,
        "Probe: itself",
        "Who watches the watcher: rhythm, event loop, memory, history, messages, and what the "
        "checks cause.",
        (
            Row("Is it well", _well()),
            Row("Rhythm", _rhythm()),
            Row("What it takes", _takes()),
            Row("History and messages", _history()),
        ),
    )


def _well() -> tuple[Panel, ...]:
    return (
        Panel(
            "Probes",
            "Which probe runs where.",
            (Query(f"sum by (region, version, python) (probe_build_info{_HERE})", now=True),),
            shape=Shape.TABLE,
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
                Query(
                    f"time() - process_start_time_seconds * on (job, instance) "
                    f"group_left(region) probe_build_info{_HERE}",
                    "{{region}}",
                    True,
                ),
            ),
            unit="s",
            shape=Shape.STAT,
            width=4,
            height=6,
        ),
    )


def _flag(title: str, text: str, name: str) -> Panel:
    return Panel(
        title,
        text,
        (Query(f"min by (region) ({name}{_HERE})", "{{region}}", True),),
        shape=Shape.STAT,
        words=((0, "wrong", RED), (1, "right", GREEN)),
        width=4,
        height=6,
    )


def _quantiles(name: str) -> tuple[Query, ...]:
    rate = f"sum by (le, region) (rate({name}_bucket{_HERE}[$__rate_interval]))"
    return tuple(
        Query(f"histogram_quantile({q}, {rate})", f"p{round(100 * q)} {{{{region}}}}")
        for q in _QUANTILES
    )


def _rhythm() -> tuple[Panel, ...]:
    return (
        Panel(
            "Event loop: late by",
            "What the loop is late, measurements are wrong by.",
            _quantiles("probe_loop_lag_seconds"),
            unit="s",
            steps=((None, GREEN), (0.1, ORANGE)),
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
                Query(
                    f"60 * sum by (status) (rate(probe_runs_total{chosen()}[$__rate_interval]))",
                    "{{status}}",
                ),
            ),
            shape=Shape.STACK,
            unit="rpm",
            least=0,
        ),
        Panel(
            "Turns left out",
            "Skipped: the run before had not ended. Missed: the process was held up.",
            (
                Query(
                    'sum by (check) (increase(probe_runs_skipped_total{check=~"$check"}'
                    "[$__rate_interval]))",
                    "skipped {{check}}",
                ),
                Query(
                    'sum by (check) (increase(probe_runs_missed_total{check=~"$check"}'
                    "[$__rate_interval]))",
                    "missed {{check}}",
                ),
            ),
            steps=((None, GREEN), (1, ORANGE)),
            least=0,
        ),
    )


def _takes() -> tuple[Panel, ...]:
    return (
        Panel(
            "Runs a day",
            "By kind, from the intervals: what the plans behind the application are asked for.",
            (Query(f"sum by (kind) (86400 / probe_interval_seconds{chosen()})", "{{kind}}", True),),
            shape=Shape.BARS,
            least=0,
        ),
        Panel(
            "Memory",
            "Resident, of the probe's process.",
            (Query(_of_probes("process_resident_memory_bytes"), "{{region}}"),),
            unit="bytes",
            least=0,
        ),
        Panel(
            "CPU",
            "Of one core.",
            (Query(_of_probes("rate(process_cpu_seconds_total[$__rate_interval])"), "{{region}}"),),
            unit="percentunit",
            least=0,
        ),
        Panel(
            "Open files",
            "Descriptors; closings that go on behind finished runs.",
            (
                Query(_of_probes("process_open_fds"), "files {{region}}"),
                Query(f"probe_pending_closings{_HERE}", "closings {{region}}"),
            ),
            least=0,
        ),
    )


def _of_probes(expr: str) -> str:
    """Processes have no region of their own: their probe's."""
    return f"{expr} * on (job, instance) group_left(region) probe_build_info{_HERE}"


def _history() -> tuple[Panel, ...]:
    return (
        Panel(
            "History: size",
            "What it takes up.",
            (Query("probe_history_bytes", "{{instance}}"),),
            unit="bytes",
            least=0,
        ),
        Panel(
            "History: entries",
            "Written a second; not yet written; lost.",
            (
                Query("rate(probe_history_written_entries_total[$__rate_interval])", "written"),
                Query("probe_history_waiting_entries", "waiting"),
                Query("increase(probe_history_lost_entries_total[$__rate_interval])", "lost"),
            ),
            least=0,
        ),
        Panel(
            "Messages",
            "Not yet taken by a service; refused for good, of the last 50.",
            (
                Query("probe_notifications_waiting", "waiting {{instance}}"),
                Query("probe_notifications_refused", "refused {{instance}}"),
            ),
            steps=((None, GREEN), (1, ORANGE)),
            least=0,
        ),
        Panel(
            "Heartbeat",
            "Since the dead man's switch was last told that all is well; nothing without one.",
            (Query("time() - probe_heartbeat_last_success_timestamp_seconds", "{{instance}}"),),
            unit="s",
            steps=((None, GREEN), (120, BLUE), (300, RED)),
            least=0,
        ),
    )
