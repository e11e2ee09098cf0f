"""What a kind of check is: it reads its variables (``environment``), derives tables (``derive``),
validates one (``table``) and runs it (``run``). Deadline and evaluation are the runner's.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from typing import Any, Generic, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.context import Context
from probe.core.environment import Environment
from probe.core.model import WAKES_NEON as WAKES_NEON
from probe.core.model import FailurePolicy, Signal, Threshold, Verdict
from probe.core.model import QuotaUse as QuotaUse
from probe.core.recorder import Recorder
from probe.core.runbooks import Runbooks
from probe.core.tables.check_config import CheckConfig as CheckConfig
from probe.core.tables.run_time import time_warnings


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
_MAX_NAMED = 3
"""How many checks are named at a warning that they have in common."""


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
        own = (threshold.signal for threshold in self.table.check_thresholds)
        return (*self.kind.signals, *own)

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
        ``cause``: ``retry``; for rare, expensive checks exponential backoff, so that a day of
        failures takes a dozen runs."""
        if cause in self.kind.failing.no_retry_causes:
            return self.interval
        if self.interval < BACKOFF_ABOVE_SECONDS:
            return self.retry
        return min(max(self.retry, failing), self.interval)

    @property
    def config_warnings(self) -> tuple[str, ...]:
        """Warnings at start, each behind its name."""
        table, interval = self.table, self.interval if self.is_regular else None
        found = list(self.kind.config_warnings(table))
        found += time_warnings(table.needed_seconds, table.deadline, interval)
        return tuple(f"{self.name}: {each}" for each in found)

    @cached_property
    def failing(self) -> FailurePolicy:
        """The failure policy: the kind's, unless the check has its own."""
        kind = self.kind.failing
        hold = kind.hold if self.table.hold is None else self.table.hold
        severity = self.table.severity
        return FailurePolicy(Verdict(severity), hold=hold) if severity else replace(kind, hold=hold)


def warnings_of(checks: Iterable[Check]) -> tuple[str, ...]:
    """The warnings of checks; what many of them have in common is said of the first."""
    found: dict[str, list[str]] = {}
    for check in checks:
        for text in check.config_warnings:
            found.setdefault(text.removeprefix(f"{check.name}: "), []).append(check.name)
    return tuple(line for text, names in found.items() for line in _lines(text, names))


def _lines(text: str, names: Sequence[str]) -> Iterable[str]:
    if len(names) <= _MAX_NAMED:
        return [f"{name}: {text}" for name in names]
    first, *others = names
    shown, more = ", ".join(others[:_MAX_NAMED]), len(others) - _MAX_NAMED
    also = f"{shown} and {more} more" if more > 0 else shown
    return [f"{first}: {text} ({len(others)} other checks as well: {also})"]
