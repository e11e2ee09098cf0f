"""What a kind of check is: it reads its variables (``environment``), derives tables (``derive``),
validates one (``table``) and runs it (``run``). Deadline and evaluation are the runner's.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import ConfigDict, Field

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Environment
from probe.core.field_types import Seconds
from probe.core.model import WAKES_NEON as WAKES_NEON
from probe.core.model import FailurePolicy, Impact, Result, Signal, Threshold, Verdict
from probe.core.model import QuotaUse as QuotaUse
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.core.threshold_config import Table, ThresholdConfig


class CheckConfig(Table):
    """One check's settings: an entry of ``probe.toml``, or derived from the environment.

    Kinds add their own keys; an unknown key is an error. ``deadline``, ``interval`` (from start to
    start), ``retry`` (until the next run after a failure) and ``hold`` (how long a failure lasts
    before its alert fires) are seconds; the last three default to the kind's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    """Name of the check, unique in the plan. The name of a derived check changes that check.
    Example: `turn-eu-udp`"""
    enabled: bool = True
    """`false` removes a check that the variables bring. Example: `false`"""
    deadline: Seconds = Field(default=10.0, gt=0, le=300)
    """A run that has no result by then fails with cause `deadline`. Example: `10`"""
    interval: Seconds | None = Field(default=None, ge=1, le=86400)
    """From the start of a run to the start of the next; the default is the kind's. Example: `60`"""
    retry: Seconds | None = Field(default=None, ge=1, le=86400)
    """Until the next run after a failure; the default is the kind's. Example: `30`"""
    hold: Seconds | None = Field(default=None, ge=0, le=86400)
    """How long it fails before the alert fires; default: the kind's. Also: `for`. Example: `30`"""
    severity: Literal["warning", "critical"] | None = None
    """Severity of a failure; the default is the kind's. Example: `warning`"""
    runbook: str | None = Field(default=None, min_length=1, max_length=500)
    """Runbook of this check's alerts: an `https://` address, or a Markdown file next to
    `probe.toml`, whose section `First steps` is sent with an alert. Example:
    `https://wiki.example.org/turn`"""
    service: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    """Service of the status page that this check is part of; the default is the kind's. Example:
    `backend`"""
    target_labels: Mapping[str, str] = Field(default_factory=dict)
    """Labels of the target, in `probe_target_info`. Example: `{ team = "rtc" }`"""
    thresholds: Mapping[str, ThresholdConfig] = Field(default_factory=dict)
    """Limits on signals of this check, by signal name; each replaces the kind's. Example: `{
    probe_turn_relay_rtt_seconds = { warning = 0.4 } }`"""

    @property
    def target(self) -> str:
        """The address for people: without user info and query."""
        raise NotImplementedError

    @property
    def labels(self) -> dict[str, str]:
        """Labels of all samples of this check, besides check, kind, target and region."""
        return {}

    @property
    def alert_group(self) -> str:
        """Alerts of checks with the same group are one incident."""
        return self.name

    @property
    def impact(self) -> Impact:
        """What users lose when it fails."""
        return Impact()

    @property
    def component(self) -> str:
        """What its alerts are named after (``TurnRelay``); empty: its kind's first component."""
        return ""

    @property
    def own_service(self) -> str | None:
        """Its service of the status page, where that is not the kind's."""
        return self.service

    @property
    def can_fail(self) -> bool:
        """Whether a run can fail; otherwise it measures, or is unknown."""
        return True

    @property
    def check_thresholds(self) -> tuple[Threshold, ...]:
        """Signals that only this check has, each with its limits (which may be empty)."""
        return ()

    def applies_limits_to(self, signal: Signal) -> bool:
        """Whether the kind's limits on a signal apply to this check."""
        return True

    def measures(self, signal: Signal) -> bool:
        """Whether it can have a signal of its kind."""
        return True

    def samples_in_a_run(self, signal: Signal) -> int:
        """How many measurements of a signal one run makes at least."""
        return 1

    @property
    def is_reference(self) -> bool:
        """Whether this is a reference target, which shows whether our own network works."""
        return False

    @property
    def redundancy_group(self) -> str | None:
        """Checks of one group back each other up; None: no redundancy."""
        return None

    @property
    def backup_groups(self) -> frozenset[str]:
        """While a check of these groups passes, a failure of this one has
        ``severity_with_backup``."""
        return (
            frozenset({self.redundancy_group}) if self.redundancy_group is not None else frozenset()
        )

    @property
    def triggers(self) -> frozenset[str]:
        """Trigger keys: checks that subscribe to one run at once when this check fails or
        recovers."""
        return frozenset()

    def triggers_after(self, result: Result) -> frozenset[str]:
        """The same where it depends on what the run found."""
        return self.triggers

    @property
    def triggered_by(self) -> frozenset[str]:
        """The trigger keys that this check subscribes to."""
        return frozenset()


class Skipped(Struct, frozen=True):
    """What is not checked for lack of configuration; listed, so that it is not taken for
    passing."""

    kind: str
    reason: str


class DerivedChecks(Struct, frozen=True):
    """Raw tables that the variables give, and what they lack for others.

    ``defaults`` are keys that hold for every table of the kind, those of ``probe.toml``
    included, unless it has its own.
    """

    tables: Sequence[Mapping[str, Any]] = ()
    skipped: Sequence[str] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)


E = TypeVar("E", bound=Environment)
T = TypeVar("T", bound=CheckConfig)


def lazy_import(*modules: str) -> Callable[[], None]:
    """A kind's ``load``: import these modules."""

    def load() -> None:
        for module in modules:
            import_module(module)

    return load


class Kind(Struct, Generic[E, T], frozen=True):
    """One kind of check; everything about it is declared in its file.

    ``load`` imports what ``run`` needs. ``core`` kinds are essential to a smoke test: one that
    could not be measured keeps a run from passing (exit code 3). ``interval`` is in seconds
    from one run to the next, ``retry`` until the next run after a failure. ``plot`` is the
    signal that the status page shows over a day. A ``third_party`` kind asks another service
    about the target: a timeout of that service makes the result unknown. ``on_request`` kinds
    run where they are named, and in the daemon where a table gives an interval. ``uses`` is
    what one run draws from hosting plans. ``derive_from_checks`` gives raw tables that follow
    from the checks of the kinds before it; ``config_warnings`` are shown at start. ``runbooks``
    are what its alerts link to, ``dashboard`` is the uid of the one that shows its signals,
    ``availability`` the share of 30 days in which its checks pass. ``components`` name its
    alerts (``TurnRelay``), by default the kind. ``details`` (signals, phases) need
    ``PROBE_METRICS=full``; ``buckets`` are ``plot``'s, ``brief_histogram``: without kind and
    target; ``series``: of a check at most by default. ``service`` is the page's.
    """

    name: str
    summary: str
    environment: type[E]
    table: type[T]
    derive: Callable[[E], DerivedChecks]
    run: Callable[[T, Recorder, Context], Coroutine[Any, Any, None]]
    signals: tuple[Signal, ...]
    thresholds: tuple[Threshold, ...] = ()
    failing: FailurePolicy = field(default_factory=FailurePolicy)
    core: bool = False
    on_request: bool = False
    third_party: bool = False
    cost: str = ""
    uses: Callable[[T], tuple[QuotaUse, ...]] = lambda _: ()
    derive_from_checks: Callable[[Sequence["Check"]], Sequence[Mapping[str, Any]]] = lambda _: ()
    config_warnings: Callable[[T], Sequence[str]] = lambda _: ()
    load: Callable[[], None] = lambda: None
    interval: float = 60.0
    retry: float = 30.0
    plot: Signal | None = None
    runbooks: Runbooks = field(default_factory=Runbooks)
    dashboard: str = "probe-infrastructure"
    availability: float = 0.99
    components: tuple[str, ...] = ()
    details: frozenset[str] = frozenset()
    buckets: tuple[float, ...] = ()
    brief_histogram: bool = False
    series: int = 40
    service: str = "infrastructure"


BACKOFF_ABOVE_SECONDS = 7200.0
"""Checks with a longer interval back off while they fail."""


class Check(Struct, frozen=True, dict=True):
    """One configured check, ready to run."""

    kind: Kind[Any, Any]
    table: CheckConfig

    @cached_property
    def name(self) -> str:
        """The check's name, unique in a plan."""
        return self.table.name

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """What it measures: its kind's signals, and those that are its own."""
        return (
            *self.kind.signals,
            *(threshold.signal for threshold in self.table.check_thresholds),
        )

    @cached_property
    def interval(self) -> float:
        """Seconds from one start to the next."""
        return self.table.interval or self.kind.interval

    @property
    def is_regular(self) -> bool:
        """Whether it runs in the daemon without being named."""
        return not self.kind.on_request or self.table.interval is not None

    @property
    def retry(self) -> float:
        """Seconds until the next run after a failure; never more than the interval."""
        return min(self.table.retry or self.kind.retry, self.interval)

    def retry_delay(self, cause: Cause, failing: float) -> float:
        """Seconds until the next run of a check that has been failing for so long, now for
        ``cause``.

        ``retry``; for rare, expensive checks exponential backoff, so that a day of failures takes a
        dozen runs.
        """
        if cause in self.kind.failing.no_retry_causes:
            return self.interval
        if self.interval < BACKOFF_ABOVE_SECONDS:
            return self.retry
        return min(max(self.retry, failing), self.interval)

    @property
    def config_warnings(self) -> tuple[str, ...]:
        """Warnings that are logged at start."""
        return tuple(f"{self.name}: {each}" for each in self.kind.config_warnings(self.table))

    @cached_property
    def failing(self) -> FailurePolicy:
        """The failure policy: the kind's, unless the check has its own."""
        kind, hold = self.kind.failing, self.table.hold
        hold = kind.hold if hold is None else hold
        if self.table.severity is None:
            return replace(kind, hold=hold)
        return FailurePolicy(Verdict(self.table.severity), hold=hold)
