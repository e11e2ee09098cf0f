"""Records phases, samples and facts while a check runs, so that a deadline loses none of them."""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from probe.core.causes import HINTS, Cause
from probe.core.model import Sample, Signal

# Of a run's deadline.
_SILENT_SHARE = 0.75
_SLOW_HINT = "It answers, and slowly: is it overloaded, or are packets dropped?"


class Recorder:
    """Phases, samples and facts of one run, complete up to this moment at any moment.

    A check that is cut off in the middle of a phase leaves that phase's name in
    ``current`` and the seconds spent in ``phases``; ``progress`` says what the target had answered
    of it, and ``ended_in_queue`` that it still waited for a slot. ``disturbs`` says whether a
    latency of so many seconds, measured until now, is to a good part our own.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        disturbs: Callable[[float], bool] = lambda seconds: False,
    ) -> None:
        self.clock = clock
        self._disturbs = disturbs
        self.phases: dict[str, float] = {}
        self.facts: dict[str, str] = {}
        self.current = "start"
        self.hint = ""
        self.progress = ""
        self._samples: dict[tuple[str, tuple[tuple[str, str], ...]], Sample] = {}
        self.queue_hint = ""
        self._queued = 0.0
        self._queued_since: float | None = None
        self.ended_in_queue = False

    @property
    def queued(self) -> float:
        """Seconds spent waiting for a slot, which don't count towards the deadline."""
        since = self._queued_since
        return self._queued + (0.0 if since is None else self.clock() - since)

    @contextmanager
    def queueing(self, hint: str = "") -> Iterator[None]:
        """Around the wait for something that other checks of ours use meanwhile; ``hint`` is what
        to try first where it took too long."""
        self.queue_hint = hint
        self._queued_since, self.ended_in_queue = self.clock(), True
        try:
            yield
            self.ended_in_queue = False
        finally:
            self._queued, self._queued_since = self.queued, None

    @property
    def samples(self) -> tuple[Sample, ...]:
        """All samples, one for each signal and label set, in the order of measuring."""
        return tuple(self._samples.values())

    def phase(self, name: str, *, hint: str = "") -> "Phase":
        """Time a step. A step that is entered again adds to its seconds.

        ``hint`` is what to try first when the deadline is exceeded in this step.
        """
        return Phase(self, name, hint)

    def begin_phase(self, name: str, hint: str = "") -> None:
        """A step begins that is timed elsewhere."""
        self.current, self.hint, self.progress = name, hint, ""

    def cut_off(self, limit: float) -> tuple[str, str]:
        """What to say of a run that was cut off after ``limit`` seconds, and what to try first:
        that nothing came is said only where the target was silent for most of them."""
        if self.progress:
            return f"only {self.progress} within {limit:g} s", _SLOW_HINT
        silent = self.phases.get(self.current, limit) >= _SILENT_SHARE * limit
        message = f"{'no answer' if silent else 'not finished'} within {limit:g} s"
        return message, self.hint or HINTS[Cause.DEADLINE]

    def add_phase(self, name: str, seconds: float) -> None:
        """Record a step that was timed elsewhere."""
        self.phases[name] = self.phases.get(name, 0.0) + seconds

    def sample(self, signal: Signal, value: float, /, **labels: str) -> None:
        """Record a value; the last one of a signal and label set counts.

        Raises ValueError for labels that the signal does not declare.
        """
        value = float(value)
        disturbed = signal.latency and self._disturbs(value)
        self._keep(Sample(signal, value, labels, None, (), disturbed))

    def sample_median(self, signal: Signal, values: Sequence[float], /, **labels: str) -> None:
        """Record several measurements of one run: the sample is their median, and percentiles are
        computed from all of them.

        Raises ValueError like sample().
        """
        median = float(statistics.median(values))
        disturbed = signal.latency and self._disturbs(math.fsum(values))
        self._keep(Sample(signal, median, labels, None, tuple(values), disturbed))

    def sample_ratio(self, signal: Signal, value: float, total: float, /, **labels: str) -> None:
        """Record a ratio that the target reports over ``total`` cases.

        Nothing is recorded where there are none: a ratio without a denominator is no data, never 0.
        Raises ValueError like sample().
        """
        if total > 0:
            self._keep(Sample(signal, float(value), labels, float(total)))

    def _keep(self, sample: Sample) -> None:
        signal, labels = sample.signal, sample.labels
        if not labels and not signal.labels:
            self._samples[signal.name, ()] = sample
            return
        if len(labels) != len(signal.labels) or not labels.keys() <= set(signal.labels):
            raise ValueError(f"{signal.name} has the labels {signal.labels}, not {tuple(labels)}")
        key = tuple(sorted(labels.items())) if len(labels) > 1 else tuple(labels.items())
        self._samples[signal.name, key] = sample


class Phase:
    """Times a step of a run; see ``Recorder.phase``. A class and no generator: it runs several
    times for each check."""

    __slots__ = ("_hint", "_name", "_record", "_started")

    def __init__(self, record: Recorder, name: str, hint: str) -> None:
        self._record, self._name, self._hint = record, name, hint

    def __enter__(self) -> None:
        self._record.begin_phase(self._name, self._hint)
        self._started = self._record.clock()

    def __exit__(self, *_: object) -> None:
        self._record.add_phase(self._name, self._record.clock() - self._started)
