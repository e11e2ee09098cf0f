"""Results → Prometheus.

A check's lines are written at the first scrape after its result: of a thousand checks
prometheus_client would take most of a second for that, in which nothing else could run, so
``Exporter.prepare`` lets others run in between. What the two write is the same, byte for byte:
``tests/metrics/test_exporter.py`` compares them.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from probe.core.kind import Check
from probe.core.model import Failure, Result, Sample, Status
from probe.metrics.families import (
    DENOMINATOR,
    FAILURE,
    FAILURES,
    INTERVAL,
    LAST_RUN,
    PHASES,
    RECENT_FAILURES,
    RUNS,
    UNMEASURED_SINCE,
    Family,
    Pairs,
    histogram_of,
    policy_metrics,
)
from probe.metrics.histogram import HistogramLines
from probe.metrics.text_format import line_head, number_text

# After so many intervals without a result, a check's gauges are stale and not exported.
STALE_INTERVALS = 3
# So many checks are written before others may run.
PREPARED_TOGETHER = 10
# Runs over which RECENT_FAILURES counts failures.
RECENT_RUNS = 6


class Exporter(Collector):
    """All metrics of checks; for any registry, or faster by ``families``.

    ``repeats``: checks run periodically. For a one-shot run, counters and intervals are left out.
    """

    def __init__(
        self,
        *,
        region: str,
        clock: Callable[[], float] = time.monotonic,
        repeats: bool = True,
    ) -> None:
        self._region, self._clock, self._repeats = region, clock, repeats
        self._pages: dict[str, _CheckMetrics] = {}

    def set_checks(self, checks: Iterable[Check]) -> None:
        """Set the current checks; metrics of removed ones disappear."""
        known = {check.name: check for check in checks}
        self._pages = {
            name: self._pages[name]
            if name in self._pages and self._pages[name].check is check
            else _CheckMetrics(check, self._region, self._repeats)
            for name, check in known.items()
        }

    def observe(self, result: Result) -> None:
        """Export the last result of a check; that of a removed check is dropped."""
        page = self._pages.get(result.check)
        if page is not None:
            page.update(result, self._clock())

    async def prepare(self) -> None:
        """Write what has changed, and let others run meanwhile."""
        now = self._clock()
        outdated = [page for page in self._pages.values() if page.is_outdated(now)]
        for number, page in enumerate(outdated, 1):
            page.write()
            if number % PREPARED_TOGETHER == 0:
                await asyncio.sleep(0)

    def families(self) -> Iterator[tuple[Family, list[bytes]]]:
        """Every family with its lines, by check."""
        found: dict[str, tuple[Family, list[bytes]]] = {}
        now = self._clock()
        for page in self._pages.values():
            if page.is_outdated(now):
                page.write()
            for family, lines in page.lines.items():
                found.setdefault(family.name, (family, []))[1].append(lines)
        yield from found.values()

    def collect(self) -> Iterator[Metric]:
        """The same for prometheus_client."""
        found: dict[str, Metric] = {}
        now = self._clock()
        for page in self._pages.values():
            page.is_outdated(now)
            for family, suffix, labels, value in page.samples():
                name = family.name.removesuffix("_total")
                metric = found.setdefault(family.name, Metric(name, family.help, family.type))
                metric.add_sample(family.name + suffix, dict(labels), value)
        yield from found.values()


def expose(
    exporter: Exporter, registry: CollectorRegistry, accept: str | None
) -> tuple[bytes, str]:
    """The whole page for a scrape, and its content type: OpenMetrics if ``accept`` wants it.

    ``registry`` holds what prometheus_client writes itself: the probe's own health.
    """
    encoder, content_type = choose_encoder(accept or "")
    openmetrics = content_type.startswith("application/openmetrics-text")
    own = encoder(registry)
    parts: list[bytes] = []
    for family, lines in exporter.families():
        parts.append(family.header(openmetrics))
        parts += lines
    if openmetrics:
        end = b"# EOF\n"
        return b"".join((own.removesuffix(end), *parts, end)), content_type
    return b"".join((own, *parts)), content_type


class _CheckMetrics:
    """All that is exported about one check."""

    def __init__(self, check: Check, region: str, repeats: bool) -> None:
        self.check, self._repeats = check, repeats
        self.lines: dict[Family, bytes] = {}
        table = check.table
        self._labels: Pairs = tuple(
            {
                "check": check.name,
                "kind": check.kind.name,
                "target": table.target,
                "region": region,
                **table.labels,
            }.items()
        )
        self._runs = dict.fromkeys(Status, 0)
        self._failures: dict[tuple[str, str], int] = {}
        self._histograms: dict[tuple[str, Pairs], HistogramLines] = {}
        self._totals: dict[tuple[Family, Pairs], float] = {}
        self._result: Result | None = None
        self._last: tuple[float, float] | None = None
        self._recent: deque[bool] = deque(maxlen=RECENT_RUNS)
        self._blind_since: float | None = None
        self._heads: dict[tuple[str, Pairs], str] = {}
        self._is_written = False

    def update(self, result: Result, now: float) -> None:
        """The newest result, at ``now`` on the monotonic clock."""
        self._last = (now, result.started_at.timestamp())
        self._runs[result.status] += 1
        if result.status is not Status.UNKNOWN:
            self._recent.append(result.status is Status.FAILED)
            self._blind_since = None
        elif self._blind_since is None:
            self._blind_since = self._last[1]
        if result.failure is not None:
            key = (result.failure.phase, result.failure.cause.value)
            self._failures[key] = self._failures.get(key, 0) + 1
        self._result = result
        for sample in result.samples:
            if self._repeats and sample.signal.latency and math.isfinite(sample.value):
                self._histogram(sample).observe(sample.value)
            if sample.signal.counter:
                self._add(sample)
        self._is_written = False

    def is_outdated(self, now: float) -> bool:
        """Whether the lines are others by now; stale gauges are dropped."""
        if self._result is not None and self._last is not None:
            longest = STALE_INTERVALS * self.check.interval + self.check.table.deadline
            if now - self._last[0] > longest:
                self._result, self._is_written = None, False
        return not self._is_written

    def samples(self) -> Iterator[tuple[Family, str, Pairs, float]]:
        """Everything as (family, suffix of the name, labels, value)."""
        for family, labels, value in self._lasting():
            yield family, "", (*self._labels, *labels), value
        for family, labels, value in self._gauges():
            yield family, "", (*self._labels, *labels), value
        for histogram in self._histograms.values():
            yield from histogram.samples()

    def _gauges(self) -> Iterator[tuple[Family, Pairs, float]]:
        result = self._result
        if result is None:
            return
        for sample in result.samples:
            signal = sample.signal
            if not signal.counter:
                family = Family(signal.name, "gauge", signal.help)
                yield family, tuple(sample.labels.items()), sample.value
            if sample.denominator is not None:
                yield (
                    DENOMINATOR,
                    (("signal", signal.name), *sample.labels.items()),
                    sample.denominator,
                )
        for phase, seconds in result.phases.items():
            yield PHASES, (("phase", phase),), seconds
        if result.failure is not None:
            yield FAILURE, _why(result.failure), 1.0

    def _lasting(self) -> Iterator[tuple[Family, Pairs, float]]:
        if self._last is not None:
            yield LAST_RUN, (), self._last[1]
        if self._repeats:
            yield from self._of_many()

    def _of_many(self) -> Iterator[tuple[Family, Pairs, float]]:
        yield INTERVAL, (), self.check.interval
        yield from policy_metrics(self.check)
        for status, count in self._runs.items():
            yield RUNS, (("status", status.value),), float(count)
        for (phase, cause), count in self._failures.items():
            yield FAILURES, (("phase", phase), ("cause", cause)), float(count)
        for (family, labels), total in self._totals.items():
            yield family, labels, total
        if self._last is not None:
            yield RECENT_FAILURES, (), float(sum(self._recent))
        if self._blind_since is not None:
            yield UNMEASURED_SINCE, (), self._blind_since

    def _add(self, sample: Sample) -> None:
        """A negative value, NaN or infinity would corrupt a counter, so it is skipped."""
        if math.isfinite(sample.value) and sample.value >= 0:
            family = Family(sample.signal.name, "counter", sample.signal.help)
            key = (family, tuple(sample.labels.items()))
            self._totals[key] = self._totals.get(key, 0.0) + sample.value

    def _histogram(self, sample: Sample) -> HistogramLines:
        key = (sample.signal.name, tuple(sample.labels.items()))
        found = self._histograms.get(key)
        if found is None:
            labels = (*self._labels, *key[1])
            found = self._histograms[key] = HistogramLines(histogram_of(sample.signal), labels)
        return found

    def write(self) -> None:
        """Write the lines."""
        texts: dict[Family, str] = {}
        heads: dict[tuple[str, Pairs], str] = {}
        for family, labels, value in (*self._lasting(), *self._gauges()):
            key = (family.name, labels)
            head = self._heads.get(key) or line_head(family.name, (*self._labels, *labels))
            heads[key] = head
            texts[family] = f"{texts.get(family, '')}{head}{number_text(value)}\n"
        # Label sets that are gone, such as machines, are dropped.
        self._heads = heads
        for histogram in self._histograms.values():
            texts[histogram.family] = texts.get(histogram.family, "") + histogram.text()
        self.lines = {
            family: text.encode("utf-8", "backslashreplace") for family, text in texts.items()
        }
        self._is_written = True


def _why(failure: Failure) -> Pairs:
    return (("phase", failure.phase), ("cause", failure.cause.value))
