"""Core value types: what is measured, how it is evaluated, and results.

Plain frozen values, no behaviour. Times are seconds on the monotonic clock, wall-clock
times are UTC; sizes are bytes; shares are ratios from 0 to 1.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from probe.core.causes import Cause
from probe.core.check_errors import CheckAborted as CheckAborted
from probe.core.check_errors import CheckFailed as CheckFailed
from probe.core.check_errors import NotMeasured as NotMeasured


class Status(StrEnum):
    """The status of a run: ok, failed (the target's fault) or unknown (not measured)."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """The verdict on a result, a threshold or a whole run; the mildest comes first."""

    OK = "ok"
    OBJECTIVE_MISSED = "objective_missed"
    UNKNOWN = "unknown"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place in the order of severity, from 0 on."""
        return _RANKS[self]


_RANKS = {verdict: rank for rank, verdict in enumerate(Verdict)}


class Unit(StrEnum):
    """Units of signals; Prometheus' base units, so that names end in them."""

    SECONDS = "seconds"
    BYTES = "bytes"
    RATIO = "ratio"
    COUNT = "count"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"


class Aggregation(StrEnum):
    """How samples of a window become the one value that is compared."""

    LAST = "last"
    P95 = "p95"
    RATIO = "ratio"


class LimitSide(StrEnum):
    """On which side of a limit a value is bad."""

    ABOVE = "above"
    BELOW = "below"


class Signal(Struct, frozen=True, gc=False):
    """One measured quantity: its Prometheus name, unit and label names.

    ``labels`` are those of a sample, besides the check's own. ``column`` is its name in tables
    for people; a signal without one is left out of them. ``display_name`` is its name in
    sentences, where that is another. ``latency``: its values are exported as a histogram too;
    false for what is no waiting time, and for what can be negative, which no histogram's sum
    may be. ``ephemeral``: its labels name things that come and go (machines), so that a label
    set which a passing run no longer has is over, and not without data. ``counter``: a value is
    what one run adds, and the sum is exported; the name of such a signal alone ends in
    ``_total``. ``breach`` is the sentence for a boolean on its bad side, with ``{label}`` where a
    label's value belongs. ``runbook`` and ``dashboard`` replace those of its kind.
    ``range_seconds``: range of a ratio that the target reports; two values within it share cases.
    """

    name: str
    unit: Unit
    help: str
    labels: tuple[str, ...] = ()
    column: str = ""
    latency: bool = False
    ephemeral: bool = False
    display_name: str = ""
    counter: bool = False
    runbook: str = ""
    dashboard: str = ""
    range_seconds: float = 0.0
    breach: str = ""


class Limits(Struct, frozen=True, gc=False):
    """Objective, warning and critical limit in the signal's unit; None stays empty."""

    objective: float | None = None
    warning: float | None = None
    critical: float | None = None


class Threshold(Struct, frozen=True, gc=False):
    """Limits on one signal, and how its samples are aggregated before comparing.

    ``window`` is in seconds, 0 for the newest sample alone. ``bad`` names the side of the limit
    where the value is bad; the limit itself is still good. ``optional``: not every check of the
    kind has the signal, and without it there is nothing to evaluate.

    The alert fires when the value was beyond a limit for ``hold`` seconds (Prometheus: ``for``),
    and is resolved when it was within the limit by ``margin`` (a share of the limit) for ``clear``
    seconds (Prometheus: ``keep_firing_for``); None: for two intervals, at least two minutes.
    """

    signal: Signal
    limits: Limits
    aggregation: Aggregation = Aggregation.LAST
    bad: LimitSide = LimitSide.ABOVE
    window: float = 0.0
    minimum_samples: int = 1
    optional: bool = False
    hold: float = 0.0
    clear: float | None = None
    margin: float = 0.05


class Impact(Struct, frozen=True, gc=False):
    """What users lose when a check fails, for the first line of a notification.

    ``service`` is what it is about, shared by kinds whose failures have one cause; ``loss``
    says what is lost when the failure is critical, ``degradation`` when it is a warning.
    """

    service: str = ""
    loss: str = ""
    degradation: str = ""


class FailurePolicy(Struct, frozen=True, gc=False):
    """The severity of a failed check (not of a value beyond a limit).

    ``severity`` applies when no other check of the same group is ok, ``severity_with_backup`` when
    one is; ``warning_only_causes`` are never more than a warning. ``hold`` is how many seconds a
    failure lasts before the alert fires; a one-shot run doesn't wait for it. After
    ``no_retry_causes`` the check is not retried before its next regular run: a retry would do harm.
    """

    severity: Verdict = Verdict.CRITICAL
    severity_with_backup: Verdict | None = None
    hold: float = 0.0
    warning_only_causes: frozenset[Cause] = frozenset()
    no_retry_causes: frozenset[Cause] = frozenset()


class Sample(Struct, frozen=True, gc=False):
    """One value of one signal, from one run of one check.

    ``denominator`` is the number of cases behind a ratio that the target reports (the requests of
    an error ratio); None where the value is a measurement of our own. ``values`` are all
    measurements of the run where ``value`` stands for several: percentiles are made of them.
    ``disturbed``: the probe's own event loop was late for a good part of the time measured, so
    that the true value may be smaller.
    """

    signal: Signal
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    denominator: float | None = None
    values: tuple[float, ...] = ()
    disturbed: bool = False


class Failure(Struct, frozen=True, gc=False):
    """Where a check stopped and why. ``message`` and ``hint`` are for people."""

    phase: str
    cause: Cause
    message: str
    hint: str


class Result(Struct, frozen=True, gc=False):
    """What one run of one check found.

    ``phases`` maps a phase to its seconds, in order. ``facts`` are details that are not numbers (a
    version, an instance, a relayed address). ``failure`` is None exactly when the status is ok.
    """

    check: str
    status: Status
    started_at: datetime
    duration: float
    phases: Mapping[str, float] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    failure: Failure | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


class Evaluation(Struct, frozen=True, gc=False):
    """One threshold evaluated against the measured values.

    ``value`` is None, and the verdict unknown, where there is not enough to compare.
    ``samples`` is how many it was made of: the denominator of a ratio.
    """

    check: str
    threshold: Threshold
    labels: Mapping[str, str]
    value: float | None
    verdict: Verdict
    samples: int = 0


class QuotaUse(Struct, frozen=True, gc=False):
    """What one run uses of a quota, including what it causes elsewhere.

    ``plan`` is ``turn-PROVIDER`` (``amount`` in bytes), ``upstash`` (commands), ``neon`` (seconds
    awake) or ``vercel`` (bytes). With ``shared_window``, runs that follow within ``amount`` seconds
    share it. A target on this machine uses no quota, whatever the kind declares.
    """

    plan: str
    amount: float
    shared_window: bool = False


# A query wakes a Neon branch, which suspends after five minutes without one (its default, fixed on
# free plans).
WAKES_NEON = QuotaUse("neon", 300.0, shared_window=True)


# Signals that every check has, whatever its kind.
SUCCESS = Signal(
    "probe_success",
    Unit.BOOLEAN,
    "Whether the last run of the check passed.",
)
DURATION = Signal(
    "probe_duration_seconds", Unit.SECONDS, "How long the last run took.", latency=True
)
COMMON: tuple[Signal, ...] = (SUCCESS, DURATION)
