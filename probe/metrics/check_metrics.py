"""All that is exported about one check; its lines are written when they are asked for."""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from alerts.model import Alert
from probe.core.kind import Check
from probe.core.model import Evaluation, Result, Sample, Signal, Status, Unit
from probe.core.outcome.run_id import run_id
from probe.metrics.failure_counts import FROM_ZERO_SECONDS, FailureCounts, cause_labels
from probe.metrics.families import (
    DENOMINATOR,
    DISTURBED,
    FAILING_SINCE,
    FAILURE,
    FAILURES,
    INTERVAL,
    LAST_RUN,
    PHASES,
    RECENT_FAILURES,
    RUNS,
    UNMEASURED_SINCE,
    Family,
    MetricSample,
    Pairs,
    histogram_of,
    policy_metrics,
)
from probe.metrics.histogram import BUCKETS, HistogramLines
from probe.metrics.judgement import BRIEF, JudgementMetrics, Links
from probe.metrics.series_bound import Line, StateOfLines, bounded
from probe.metrics.text_format import exemplar_of, exemplar_text, line_head, number_text
from probe.untrusted.labels import exported

# After so many intervals without a result, a check's gauges are stale and not exported.
STALE_INTERVALS = 3
# Runs over which RECENT_FAILURES counts failures.
RECENT_RUNS = 6


class CheckMetrics:
    """All that is exported about one check."""

    def __init__(self, check: Check, region: str, *, repeats: bool, full: bool) -> None:
        self.check, self._repeats, self._full = check, repeats, full
        self._judgement = JudgementMetrics(check, full=full)
        self._few_labels: Pairs = (("check", check.name), ("region", region))
        self.lines: dict[Family, bytes] = {}
        table = check.table
        ours = (("kind", check.kind.name), ("target", table.target), *self._few_labels)
        self._own_labels = exported(table.labels.items(), dict(ours))
        self._labels: Pairs = (*ours, *self._own_labels)
        self._taken = frozenset(name for name, _ in self._labels)
        self._runs = dict.fromkeys(Status, 0)
        # In the default set such runs count from 0 too, since then.
        self._first_unknown: float | None = None
        self._failures = FailureCounts(full=full)
        self._histograms: dict[tuple[str, Pairs], HistogramLines] = {}
        self._totals: dict[tuple[Family, Pairs], float] = {}
        self._failed_in: str | None = None
        # Its gauges are made of it when they are asked for: not every result is scraped.
        self._newest: tuple[Result, tuple[Evaluation, ...]] | None = None
        self._last: tuple[float, float] | None = None
        self._recent: deque[bool] = deque(maxlen=RECENT_RUNS)
        self._blind_since: float | None = None
        self._failing_since: float | None = None
        self._heads: dict[tuple[str, Pairs], str] = {}
        self._is_written = False
        self._marked: Mapping[Family, bytes] | None = None
        self._own_buckets = (*check.kind.buckets, math.inf)
        plot, is_own = check.kind.plot, not full and self._own_buckets != BUCKETS
        self._plot = plot.name if plot and check.kind.buckets and is_own else ""

    def update(self, result: Result, evaluations: Iterable[Evaluation], now: float) -> None:
        """The newest result, at ``now`` on the monotonic clock."""
        self._last = (now, result.started_at.timestamp())
        self._count_run(result.status, now)
        self._note_status(result.status, self._last[1])
        run = run_id(result.check, self._last[1])
        self._failed_in = None
        if result.failure is not None:
            self._failed_in = result.failure.phase
            self._failures.add(result.failure, now, exemplar_of(run, 1.0, self._last[1]))
        self._newest = result, tuple(evaluations)
        for sample in result.samples:
            if sample.signal.latency and self._repeats and self._has_histogram(sample):
                self._histogram(sample).observe(sample.value, run, self._last[1])
            if sample.signal.counter:
                self._add(sample)
        self._is_written = False

    def _count_run(self, status: Status, now: float) -> None:
        self._runs[status] += 1
        if status is Status.UNKNOWN and self._runs[status] == 1 and not self._full:
            self._first_unknown = now

    def set_alerts(self, firing: Iterable[Alert], links: Links) -> None:
        """What alerting has firing of the check."""
        if self._repeats and self._judgement.set_alerts(firing, links):
            self._is_written = False

    def _note_status(self, status: Status, at: float) -> None:
        if status is Status.UNKNOWN:
            self._blind_since = at if self._blind_since is None else self._blind_since
            return
        self._judgement.is_measured, self._blind_since = True, None
        self._recent.append(status is Status.FAILED)
        if status is Status.OK:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = at

    def _has_histogram(self, sample: Sample) -> bool:
        wanted = self._full or sample.signal.name == self._plot
        return wanted and math.isfinite(sample.value)

    def _buckets(self, signal: Signal) -> tuple[float, ...]:
        return self._own_buckets if signal.name == self._plot else BUCKETS

    def _rounded(self, seconds: float) -> float:
        """Microseconds are enough, and half as long."""
        return seconds if self._full else round(seconds, 6)

    def _is_left_out(self, name: str) -> bool:
        return not self._full and name in self.check.kind.details

    def expire(self, now: float) -> None:
        """Drop stale gauges, and count what was shown at 0 for long enough."""
        if self._failures.expire(now):
            self._is_written = False
        first = self._first_unknown
        if first is not None and now - first >= FROM_ZERO_SECONDS:
            self._first_unknown, self._is_written = None, False
        if self._newest is None or self._last is None:
            return
        longest = STALE_INTERVALS * self.check.interval + self.check.table.deadline
        if now - self._last[0] > longest:
            self._newest = None
            self._is_written = False

    def samples(self) -> Iterator[MetricSample]:
        """Everything, one value each."""
        exemplars = self._failures.exemplars
        for family, labels, value in self._shown():
            run = exemplars.get(labels) if family is FAILURES else None
            yield MetricSample(family, "", (*self._base(family), *labels), value, run)
        for histogram in self._histograms.values():
            yield from histogram.samples()

    def _shown(self) -> list[Line]:
        """What is exported besides histograms: in the default set at most as many lines as the kind
        has series."""
        lines = [*self._lasting(), *self._present()]
        if self._full or not self._repeats:
            return lines
        most = self.check.kind.series - sum(each.size for each in self._histograms.values())
        kind, table = self.check.kind, self.check.table
        if len(lines) > most:
            details = kind.details - table.thresholds.keys()
            settled = self._judgement.settled
            state = StateOfLines(self._failed_in, settled, details, self._failures.old)
            lines = bounded(lines, most, state)
        self._failures.note_shown(labels for family, labels, _ in lines if family is FAILURES)
        return lines

    def _base(self, family: Family) -> Pairs:
        return self._few_labels if family in BRIEF else self._labels

    def _present(self) -> Iterator[tuple[Family, Pairs, float]]:
        """The gauges of the newest result, unless it is stale."""
        if self._newest is not None:
            yield from self._gauges(self._newest[0])
            if self._repeats:
                yield from self._judgement.values(*self._newest)

    def _gauges(self, result: Result) -> Iterator[tuple[Family, Pairs, float]]:
        for sample in result.samples:
            signal = sample.signal
            if self._is_left_out(signal.name):
                continue
            if not signal.counter:
                family = Family(signal.name, "gauge", signal.help)
                value = sample.value
                if signal.unit is Unit.SECONDS:
                    value = self._rounded(value)
                yield family, exported(sample.labels.items(), self._taken), value
            if sample.disturbed:
                yield DISTURBED, self._about(sample), 1.0
            if sample.denominator is not None and self._full:
                yield DENOMINATOR, self._about(sample), sample.denominator
        for phase, seconds in result.phases.items():
            if self._is_left_out(phase):
                continue
            yield PHASES, (("phase", phase),), self._rounded(seconds)
        if result.failure is not None:
            yield FAILURE, cause_labels(result.failure), 1.0

    def _about(self, sample: Sample) -> Pairs:
        """Which value it is, in a metric about values."""
        given = exported(sample.labels.items(), self._taken | {"signal"})
        return (("signal", sample.signal.name), *given)

    def _lasting(self) -> Iterator[tuple[Family, Pairs, float]]:
        if self._last is not None:
            yield LAST_RUN, (), self._last[1] if self._full else round(self._last[1], 3)
        if self._repeats:
            yield from self._of_many()

    def _of_many(self) -> Iterator[tuple[Family, Pairs, float]]:
        yield INTERVAL, (), self.check.interval
        yield from policy_metrics(self.check, full=self._full)
        yield from self._judgement.alerts
        for status, count in self._runs.items():
            if count or self._full or status is not Status.UNKNOWN:
                is_new = status is Status.UNKNOWN and self._first_unknown is not None
                yield RUNS, (("status", status.value),), 0.0 if is_new else float(count)
        yield from self._failures.lines()
        for (family, labels), total in self._totals.items():
            yield family, labels, total
        if self._last is not None and self._full:
            yield RECENT_FAILURES, (), float(sum(self._recent))
        if self._failing_since is not None:
            yield FAILING_SINCE, (), self._failing_since
        if self._blind_since is not None:
            yield UNMEASURED_SINCE, (), self._blind_since

    def _add(self, sample: Sample) -> None:
        """A negative value, NaN or infinity would corrupt a counter, so it is skipped."""
        if math.isfinite(sample.value) and sample.value >= 0:
            family = Family(sample.signal.name, "counter", sample.signal.help)
            key = (family, exported(sample.labels.items(), self._taken))
            self._totals[key] = self._totals.get(key, 0.0) + sample.value

    def _histogram(self, sample: Sample) -> HistogramLines:
        key = (sample.signal.name, exported(sample.labels.items(), self._taken))
        found = self._histograms.get(key)
        if found is None:
            kind = self.check.kind
            own = (*self._few_labels, *self._own_labels)
            is_brief = kind.brief_histogram and not self._full
            labels = (*(own if is_brief else self._labels), *key[1])
            found = self._histograms[key] = HistogramLines(
                histogram_of(sample.signal), labels, self._buckets(sample.signal)
            )
        return found

    def write(self) -> bool:
        """Bring the lines up to date; whether they were not."""
        if self._is_written:
            return False
        texts: dict[Family, str] = {}
        heads: dict[tuple[str, Pairs], str] = {}
        for family, labels, value in self._shown():
            key = (family.name, labels)
            head = self._heads.get(key) or line_head(family.name, (*self._base(family), *labels))
            heads[key] = head
            texts[family] = f"{texts.get(family, '')}{head}{number_text(value)}\n"
        # Label sets that are gone, such as machines, are dropped.
        self._heads = heads
        for histogram in self._histograms.values():
            texts[histogram.family] = texts.get(histogram.family, "") + histogram.text()
        self.lines = {
            family: text.encode("utf-8", "backslashreplace") for family, text in texts.items()
        }
        self._is_written, self._marked = True, None
        return True

    def lines_of(self, *, openmetrics: bool) -> Mapping[Family, bytes]:
        """The lines of each family, up to date; with exemplars in OpenMetrics."""
        self.write()
        if not openmetrics:
            return self.lines
        if self._marked is None:
            self._marked = {**self.lines, **dict(self._with_exemplars())}
        return self._marked

    def _with_exemplars(self) -> Iterator[tuple[Family, bytes]]:
        texts: dict[Family, str] = {}
        for histogram in self._histograms.values():
            text = texts.get(histogram.family, "")
            texts[histogram.family] = text + histogram.text(openmetrics=True)
        runs = self._failures.exemplars
        for family, labels, value in self._failures.lines():
            head = self._heads.get((family.name, labels))
            if head is not None:
                line = f"{head}{number_text(value)}{exemplar_text(runs[labels])}\n"
                texts[family] = texts.get(family, "") + line
        for family, text in texts.items():
            yield family, text.encode("utf-8", "backslashreplace")
