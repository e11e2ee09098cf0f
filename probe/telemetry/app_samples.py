"""From scrapes of an application's ``/metrics`` and ``/health`` to samples."""

import itertools
import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from probe.core.model import Signal
from probe.core.recorder import Recorder
from probe.telemetry import app_signals as a
from probe.telemetry.app_health import Health
from probe.telemetry.counters import Counters, Increase, Restarts, Series, quantile
from probe.telemetry.exposition import Exposition
from probe.telemetry.gauge_proof import GaugeProof
from probe.telemetry.shared_signals import (
    APP,
    ERROR_RATIO,
    ICE_SUCCESS,
    MEMORY,
    REQUEST_P95,
    RESTARTS,
    TURN_SHARE,
)

DAY, HOUR, MINUTES = 86400.0, 3600.0, 300.0
# What prom-client and other clients export of their process; it identifies the process.
STARTED = "process_start_time_seconds"
# What histograms are summed up to.
_REQUESTS, _FAILED, _MATCHES = "requests", "requests failed", "matches"
_BUCKET = " bucket"
_MIXED = "several processes answer at one address in turn, so nothing is known between scrapes"


@dataclass(frozen=True, slots=True)
class Scrape:
    """One process's answers at one address; ``health`` is None where it gave none."""

    address: str = field(repr=False)
    metrics: Exposition
    health: Health | None


@dataclass
class ScrapeHistory:
    """What is remembered of an application from one scrape to the next. Monotonic seconds."""

    counters: Counters = field(default_factory=lambda: Counters(keep=HOUR))
    restarts: Restarts = field(default_factory=lambda: Restarts(keep=DAY))
    # Who answered at each address: (when, which machine).
    answered: dict[str, deque[tuple[float, str]]] = field(default_factory=dict)
    gauges: GaugeProof = field(default_factory=GaugeProof)

    def is_load_balanced(self, scrape: Scrape, at: float) -> bool:
        """Whether processes take turns at this address and can't be distinguished."""
        if _started(scrape.metrics) is not None or scrape.health is None:
            return False
        seen = self.answered.setdefault(scrape.address, deque(maxlen=60))
        seen.append((at, scrape.health.machine or ""))
        machines = [machine for when, machine in seen if when > at - MINUTES * 2]
        # One change is a deployment; a change back is another process.
        changes = sum(one != two for one, two in itertools.pairwise(machines))
        return changes > 1


def write(
    scrapes: Sequence[Scrape],
    prefix: str,
    ignored: Iterable[str],
    at: float,
    memory: ScrapeHistory,
    record: Recorder,
) -> None:
    """Record everything that these scrapes show, with what is remembered. ``at`` is
    monotonic; ``ignored`` are the routes whose requests are no users'."""
    record.sample(a.INSTANCES, len(scrapes))
    _write_gauges(scrapes, prefix, memory.gauges, record)
    _write_health(scrapes, at, memory, record)
    mixed = False
    for scrape in scrapes:
        if memory.is_load_balanced(scrape, at):
            mixed = True
            continue
        memory.counters.add_reading(
            _process_of(scrape), at, _counters(scrape.metrics, prefix, set(ignored))
        )
    if mixed:
        record.facts["rates"] = _MIXED
        return
    minutes, hour = (memory.counters.over(each, at) for each in (MINUTES, HOUR))
    if minutes is None or hour is None:
        record.facts["rates"] = "known from the second scrape on"
        return
    _write_rates(scrapes, prefix, minutes, record)
    _write_connections(prefix, hour, record)
    _write_requests(minutes, record)
    found = quantile(0.95, _buckets(hour, _MATCHES))
    if found is not None:
        record.sample(a.MATCH_P95, found)


def read_gauges(scrapes: Sequence[Scrape], prefix: str) -> dict[Signal, float]:
    """The gauges, summed over all processes; those that are not exposed are missing."""
    found: dict[Signal, float] = {}
    for signal, family in a.GAUGES.items():
        sums = (each.metrics.sum(prefix + family) for each in scrapes)
        values = [value for value in sums if value is not None]
        if values:
            found[signal] = sum(values)
    return found


def _write_gauges(
    scrapes: Sequence[Scrape], prefix: str, proof: GaugeProof, record: Recorder
) -> None:
    gauges = read_gauges(scrapes, prefix)
    proof.add_reading(gauges)
    for signal, value in proof.data(gauges).items():
        record.sample(signal, value)
    if fact := proof.fact(prefix, gauges):
        record.facts["gauges"] = fact


def _write_health(
    scrapes: Sequence[Scrape], at: float, memory: ScrapeHistory, record: Recorder
) -> None:
    for scrape in scrapes:
        health = scrape.health
        if health is None or health.machine is None:
            continue
        labels = {"machine": health.machine, "machine_region": health.region}
        if health.version is not None:
            record.facts["version"] = health.version
        if health.clock_offset is not None:
            record.sample(a.CLOCK_OFFSET, health.clock_offset, **labels)
        if health.channels is not None:
            record.sample(a.CHANNELS, health.channels, **labels)
        if health.memory is not None:
            record.sample(MEMORY, health.memory, source=APP, **labels)
        if health.uptime is not None:
            record.sample(a.UPTIME, health.uptime, **labels)
            restarts = memory.restarts.add_reading(health.machine, at, health.uptime)
            if restarts is not None:
                record.sample(RESTARTS, restarts, source=APP, **labels)


def _write_rates(scrapes: Sequence[Scrape], prefix: str, risen: Increase, record: Recorder) -> None:
    """A family that is declared and has no samples is no data, not a rate of 0."""
    for signal, family in a.RATES.items():
        if any(each.metrics.sum(prefix + family) is not None for each in scrapes):
            record.sample(signal, risen.total(prefix + family) / risen.seconds)
    for fact, family, label in (
        ("failures", "connection_failures_total", "failure_reason"),
        ("errors", "errors_total", "error_type"),
    ):
        worst = next(iter(risen.by(prefix + family, label).items()), None)
        if worst is not None and worst[1] > 0:
            record.facts[fact] = f"most are {worst[0][:60]} ({worst[1]:.0f} in five minutes)"


def _write_connections(prefix: str, risen: Increase, record: Recorder) -> None:
    success, failures = f"{prefix}connection_success_total", f"{prefix}connection_failures_total"
    connected, failed = risen.total(success), risen.total(failures)
    relayed = risen.by(success, "connection_type").get("turn", 0.0)
    if connected > 0:
        record.sample_ratio(TURN_SHARE, relayed / connected, connected, source=APP)
    if connected + failed > 0:
        attempts = connected + failed
        record.sample_ratio(ICE_SUCCESS, connected / attempts, attempts, source=APP)


def _write_requests(risen: Increase, record: Recorder) -> None:
    requests = risen.total(_REQUESTS)
    if not requests > 0:
        return
    share = risen.total(_FAILED) / requests
    record.sample_ratio(ERROR_RATIO, share, requests, source=APP)
    found = quantile(0.95, _buckets(risen, _REQUESTS + _BUCKET))
    if found is not None:
        record.sample_ratio(REQUEST_P95, found, requests, source=APP)


def _buckets(risen: Increase, name: str) -> dict[float, float]:
    """Cumulative counts by upper bound."""
    return {float(bound): value for bound, value in risen.by(name, "le").items()}


def _counters(metrics: Exposition, prefix: str, ignored: set[str]) -> dict[Series, float]:
    """The counters to follow. Histograms are summed over their labels, since all counters of
    a process begin anew together; requests for ignored routes are left out."""
    found = metrics.only(*(prefix + family for family in a.RATES.values()))
    requests, matches = f"{prefix}request_duration_seconds", f"{prefix}match_latency_seconds"
    for (name, pairs), value in metrics.values.items():
        labels = dict(pairs)
        if labels.get("route") in ignored:
            continue
        if name == f"{requests}_count":
            _add(found, (_REQUESTS, ()), value)
            if labels.get("status_code", "").startswith("5"):
                _add(found, (_FAILED, ()), value)
        elif name in (f"{requests}_bucket", f"{matches}_bucket") and _is_number(labels.get("le")):
            family = _REQUESTS + _BUCKET if name.startswith(requests) else _MATCHES
            _add(found, (family, (("le", labels["le"]),)), value)
    return found


def _add(found: dict[Series, float], series: Series, value: float) -> None:
    found[series] = found.get(series, 0.0) + value


def _is_number(text: str | None) -> bool:
    try:
        return text is not None and not math.isnan(float(text))
    except ValueError:
        return False


def _process_of(scrape: Scrape) -> str:
    """Which process it is: by when it started, else by the machine, else by the address.

    A process that begins anew on a machine is another one: nothing is known of its first
    scrape's time before it.
    """
    started = _started(scrape.metrics)
    machine = scrape.health.machine if scrape.health else None
    if started is not None:
        return f"{machine or scrape.address} since {started}"
    return machine or scrape.address


def _started(metrics: Exposition) -> float | None:
    return metrics.sum(STARTED)
