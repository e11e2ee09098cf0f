"""The probe's own health as metrics: schedule, event loop, memory, history, configuration.

Read at each scrape; nothing here measures a target.
"""

import asyncio
import platform
import time
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alerts.cluster.membership.member import PeersReading
from probe.history import HistoryState
from probe.metrics.self_snapshot import SelfSnapshot

# How often the event loop's lag is measured.
LAG_SECONDS = 0.5
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class SelfMetrics(Collector):
    """Own metrics on a registry that is passed in; ``read`` is asked at every scrape. ``links`` are
    addresses by label; without ``full`` a check's skipped runs are exported once there are any."""

    def __init__(
        self,
        registry: CollectorRegistry,
        read: Callable[[], SelfSnapshot],
        *,
        version: str,
        region: str,
        links: Mapping[str, str] | None = None,
        full: bool = True,
    ) -> None:
        self._read, self._links, self._full = read, dict(links or {}), full
        self._build = {"version": version, "region": region, "python": platform.python_version()}
        self._lateness = Histogram(
            "probe_schedule_lateness_seconds",
            "How late each run was started.",
            buckets=BUCKETS,
            registry=registry,
        )
        self._lag = Histogram(
            "probe_loop_lag_seconds",
            "Event loop lag, by which measurements may be off.",
            buckets=BUCKETS,
            registry=registry,
        )
        ProcessCollector(registry=registry)
        registry.register(self)

    def late(self, seconds: float) -> None:
        """A run was started so many seconds late."""
        self._lateness.observe(seconds)

    async def watch_loop(self) -> None:
        """Measure the event loop's lag until cancelled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(LAG_SECONDS)
            self._lag.observe(max(0.0, time.monotonic() - before - LAG_SECONDS))

    def collect(self) -> Iterator[Metric]:
        """All metrics of this moment."""
        found = self._read()
        build = GaugeMetricFamily(
            "probe_build_info", "Which probe this is.", labels=list(self._build)
        )
        build.add_metric(list(self._build.values()), 1.0)
        yield build
        if self._links:
            text = "Where the probe's pages and its dashboard are."
            where = GaugeMetricFamily("probe_links_info", text, labels=list(self._links))
            where.add_metric(list(self._links.values()), 1.0)
            yield where
        yield from self._gauges(found)
        yield from _schedule_counters(found, full=self._full)
        yield from _plain_counters(found)
        yield from _failure_counters(found)
        yield from _foreign_senders(found.foreign_senders)
        if found.history is not None:
            yield from _history(found.history)
        if found.peers is not None:
            yield from _peers(found.peers)

    @staticmethod
    def _gauges(found: SelfSnapshot) -> Iterator[Metric]:
        for name, text, value in (
            ("probe_checks", "How many checks are configured.", found.checks),
            (
                "probe_pending_closings",
                "Connections that are still being closed after their run.",
                found.pending_closings,
            ),
            (
                "probe_notifications_waiting",
                "Notifications that are not delivered yet.",
                found.messages_waiting,
            ),
            (
                "probe_notifications_refused",
                "Notifications rejected permanently by receivers that have accepted none since.",
                found.messages_refused,
            ),
            (
                "probe_config_last_reload_successful",
                "Whether the last reload of the configuration succeeded.",
                found.config_ok,
            ),
            (
                "probe_config_last_reload_success_timestamp_seconds",
                "When the configuration was last loaded.",
                found.config_changed,
            ),
        ):
            yield GaugeMetricFamily(name, text, value=float(value))
        alerts = GaugeMetricFamily("probe_alerts_firing", "Active alerts.", labels=["severity"])
        for severity, count in (found.alerts or {}).items():
            alerts.add_metric([severity], float(count))
        yield alerts
        if found.heartbeat_at:
            text = "When the dead man's switch last accepted a heartbeat."
            yield GaugeMetricFamily(
                "probe_heartbeat_last_success_timestamp_seconds", text, value=found.heartbeat_at
            )


def _plain_counters(found: SelfSnapshot) -> Iterator[Metric]:
    for name, text, count in (
        (
            "probe_heartbeat_failures",
            "Heartbeats that could not be delivered.",
            found.heartbeat_failures,
        ),
        (
            "probe_web_refused_logins",
            "Logins to the pages that were wrong, or came too often from one address.",
            found.refused_logins,
        ),
        ("probe_clock_steps", "How often the wall clock was set.", found.clock_steps),
        (
            "probe_log_lines_dropped",
            "Log lines that were dropped because they were not read in time.",
            found.log_lines_dropped,
        ),
    ):
        yield CounterMetricFamily(name, text, value=float(count))


def _schedule_counters(found: SelfSnapshot, *, full: bool) -> Iterator[Metric]:
    for name, text, counts in (
        (
            "probe_runs_skipped",
            "Runs that were skipped because the run before had not ended.",
            found.skipped,
        ),
        (
            "probe_runs_missed",
            "Runs that were missed because the process was delayed.",
            found.missed,
        ),
    ):
        shown = {check: count for check, count in (counts or {}).items() if full or count}
        yield _counter_by("check", name, text, shown)


def _failure_counters(found: SelfSnapshot) -> Iterator[Metric]:
    yield _counter_by(
        "consumer",
        "probe_result_consumer_errors",
        "Exceptions in consumers of results: alerting, metrics, history and others.",
        found.consumer_errors,
    )
    yield _counter_by(
        "task",
        "probe_task_failures",
        "Failures of the probe's own tasks, each restarted.",
        found.task_failures,
    )
    yield _counter_by(
        "resource",
        "probe_own_resource_shortages",
        "Checks that could not be measured because this machine was short of something.",
        found.shortages,
    )
    yield _counter_by(
        "notifier",
        "probe_notifications_failed",
        "Notifications that a receiver has rejected permanently.",
        found.notifications_failed,
    )


def _foreign_senders(counts: Mapping[str, int] | None) -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "probe_foreign_senders",
        "Other clusters seen within 24 h to send to a receiver under the same keys.",
        labels=["notifier"],
    )
    for notifier, count in (counts or {}).items():
        family.add_metric([notifier], float(count))
    yield family


def _counter_by(label: str, name: str, text: str, counts: Mapping[str, int] | None) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in (counts or {}).items():
        family.add_metric([value], float(count))
    return family


def _peers(state: PeersReading) -> Iterator[Metric]:
    for name, text, value in (
        ("probe_peers", "Other probes that are queried.", state.known),
        ("probe_peers_reachable", "Other probes that answer.", state.reachable),
    ):
        yield GaugeMetricFamily(name, text, value=float(value))
    text = "Queries to other probes without a usable answer."
    yield CounterMetricFamily("probe_peer_requests_failed", text, value=float(state.failures))
    by_scope = GaugeMetricFamily(
        "probe_peer_alerts", "Active alerts by agreement of the probes.", labels=["scope"]
    )
    for scope, count in state.scopes.items():
        by_scope.add_metric([scope], float(count))
    yield by_scope
    text = "Differences between the set-ups of this probe and the others, by what differs."
    by_kind = GaugeMetricFamily("probe_peer_setup_problems", text, labels=["kind"])
    for kind, count in state.mismatches.items():
        by_kind.add_metric([kind], float(count))
    yield by_kind
    text = "How far the wall clock of another probe is ahead of this one's."
    offsets = GaugeMetricFamily("probe_peer_clock_offset_seconds", text, labels=["peer"])
    for peer, offset in state.clock_offsets.items():
        offsets.add_metric([peer], offset)
    yield offsets


def _history(state: HistoryState) -> Iterator[Metric]:
    for name, text, value in (
        ("probe_history_persistent", "Whether history survives a restart.", state.persistent),
        ("probe_history_healthy", "Whether history is written.", not state.problem),
        ("probe_history_bytes", "Size of the history.", state.bytes),
        ("probe_history_waiting_entries", "Results not yet written.", state.waiting),
    ):
        yield GaugeMetricFamily(name, text, value=float(value))
    for name, text, count in (
        ("probe_history_written_entries", "Results written.", state.written),
        ("probe_history_lost_entries", "Results that could not be kept.", state.lost),
    ):
        yield CounterMetricFamily(name, text, value=float(count))
