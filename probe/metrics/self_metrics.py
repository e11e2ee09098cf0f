"""The probe's own health as metrics: rhythm, event loop, memory, history, configuration.

Read when somebody scrapes; nothing here measures a target.
"""

import asyncio
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alerts.cluster.members import PeersReading
from probe.history import HistoryState

# How often the event loop is asked whether it is on time.
LAG_SECONDS = 0.5
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class SelfSnapshot:
    """What the daemon's parts say of themselves at one moment.

    ``skipped`` and ``missed`` are turns of each check: not begun because the one before was
    still running, and not begun because the process was held up; ``alerts`` are those that
    burn, by severity; ``peers`` is None where no other probe is asked. Times are seconds since
    1970, 0 for never.
    """

    checks: int = 0
    skipped: Mapping[str, int] | None = None
    missed: Mapping[str, int] | None = None
    pending_closings: int = 0
    history: HistoryState | None = None
    config_ok: bool = True
    config_changed: float = 0.0
    alerts: Mapping[str, int] | None = None
    messages_waiting: int = 0
    messages_refused: int = 0
    peers: PeersReading | None = None
    heartbeat_at: float = 0.0
    heartbeat_failures: int = 0


class SelfMetrics(Collector):
    """Own metrics on a registry that is passed in; ``read`` is asked at every scrape."""

    def __init__(
        self,
        registry: CollectorRegistry,
        read: Callable[[], SelfSnapshot],
        *,
        version: str,
        region: str,
    ) -> None:
        self._read = read
        self._build = {"version": version, "region": region, "python": platform.python_version()}
        self._lateness = Histogram(
            "probe_schedule_lateness_seconds",
            "How long after its time each run was begun.",
            buckets=BUCKETS,
            registry=registry,
        )
        self._lag = Histogram(
            "probe_loop_lag_seconds",
            "How late the event loop was; what it is late, measurements are wrong by.",
            buckets=BUCKETS,
            registry=registry,
        )
        ProcessCollector(registry=registry)
        registry.register(self)

    def late(self, seconds: float) -> None:
        """A run was begun so many seconds after its time."""
        self._lateness.observe(seconds)

    async def watch_loop(self) -> None:
        """Measure the event loop's lag until cancelled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(LAG_SECONDS)
            self._lag.observe(max(0.0, time.monotonic() - before - LAG_SECONDS))

    def collect(self) -> Iterator[Metric]:
        """Everything that is read at this moment."""
        found = self._read()
        build = GaugeMetricFamily(
            "probe_build_info", "Which probe this is.", labels=list(self._build)
        )
        build.add_metric(list(self._build.values()), 1.0)
        yield build
        yield from self._gauges(found)
        yield from self._counters(found)
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
                "Closings of connections that go on behind finished runs.",
                found.pending_closings,
            ),
            (
                "probe_notifications_waiting",
                "Messages that no service has taken yet.",
                found.messages_waiting,
            ),
            (
                "probe_notifications_refused",
                "Messages that were refused for good, of the last 50.",
                found.messages_refused,
            ),
            (
                "probe_config_last_reload_successful",
                "Whether the configuration was right when it was last read.",
                found.config_ok,
            ),
            (
                "probe_config_last_reload_success_timestamp_seconds",
                "When the configuration was last taken over.",
                found.config_changed,
            ),
        ):
            yield GaugeMetricFamily(name, text, value=float(value))
        alerts = GaugeMetricFamily("probe_alerts_firing", "Alerts that burn.", labels=["severity"])
        for severity, count in (found.alerts or {}).items():
            alerts.add_metric([severity], float(count))
        yield alerts
        if found.heartbeat_at:
            text = "When the dead man's switch was last told that all is well with the probe."
            yield GaugeMetricFamily(
                "probe_heartbeat_last_success_timestamp_seconds", text, value=found.heartbeat_at
            )

    @staticmethod
    def _counters(found: SelfSnapshot) -> Iterator[Metric]:
        for name, text, by_check in (
            (
                "probe_runs_skipped",
                "Turns that were left out because the run before had not ended.",
                found.skipped,
            ),
            (
                "probe_runs_missed",
                "Turns that were left out because the process was held up.",
                found.missed,
            ),
        ):
            family = CounterMetricFamily(name, text, labels=["check"])
            for check, count in (by_check or {}).items():
                family.add_metric([check], float(count))
            yield family
        text = "Heartbeats that could not be delivered."
        yield CounterMetricFamily(
            "probe_heartbeat_failures", text, value=float(found.heartbeat_failures)
        )


def _peers(state: PeersReading) -> Iterator[Metric]:
    for name, text, value in (
        ("probe_peers", "Other probes that are asked for their verdicts.", state.known),
        ("probe_peers_reachable", "Those of them that answer.", state.reachable),
    ):
        yield GaugeMetricFamily(name, text, value=float(value))
    text = "Questions to other probes that had no usable answer."
    yield CounterMetricFamily("probe_peer_requests_failed", text, value=float(state.failures))
    by_scope = GaugeMetricFamily(
        "probe_peer_alerts", "Alerts that burn, by what the probes make of them.", labels=["scope"]
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
        ("probe_history_healthy", "Whether history is kept as it should be.", not state.problem),
        ("probe_history_bytes", "What history takes up.", state.bytes),
        ("probe_history_waiting_entries", "Results not yet written.", state.waiting),
    ):
        yield GaugeMetricFamily(name, text, value=float(value))
    for name, text, count in (
        ("probe_history_written_entries", "Results written.", state.written),
        ("probe_history_lost_entries", "Results that could not be kept.", state.lost),
    ):
        yield CounterMetricFamily(name, text, value=float(count))
