"""The configuration as text: checks, thresholds, signals, and what is skipped."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from probe.core.model import Signal, Threshold, Unit
from probe.report.text.columns import columns
from probe.report.text.sanitize import clean
from probe.report.text.units import show
from probe.report.text.wrap import wrapped

_CHECK_COLUMNS = (
    "NAME",
    "TARGET",
    "EVERY",
    "DEADLINE",
    "SEEN WITHIN",
    "IN 30 DAYS",
    "WHEN IT FAILS",
)
_THRESHOLD_COLUMNS = ("CHECK", "SIGNAL", "OF", "OBJECTIVE", "WARNING", "CRITICAL")
_BUDGET_COLUMNS = ("PLAN", "IN 31 DAYS", "BY ITS TERMS", "MAY TAKE", "TAKES", "CHECKS")
NARROWEST = 60


class CheckRow(Struct, frozen=True):
    """One configured check; ``interval``, ``deadline``, ``seen_within`` (from when a target fails
    until the check has seen it, at worst) and ``hold`` in seconds. ``costs`` is its quota usage in
    30 days. ``severity`` is None for one that can't fail, only be unknown."""

    name: str
    kind: str
    target: str
    interval: float
    deadline: float
    severity: str | None
    partial: str | None
    hold: float
    thresholds: tuple[Threshold, ...]
    costs: tuple[str, ...] = ()

    @property
    def seen_within(self) -> float:
        """A target that fails right after a run is detected by the end of the next one."""
        return self.interval + self.deadline


class KindLines(Struct, frozen=True):
    """One kind: what it does, what a run of it costs, what it measures."""

    name: str
    summary: str
    cost: str
    signals: tuple[Signal, ...]


class BudgetLine(Struct, frozen=True):
    """Usage of one quota: in a ``month``, in the plan's own ``period``, what is ``allowed`` in it,
    the first's ``share`` of the last, and whose ``checks`` take it."""

    plan: str
    month: str
    period: str
    allowed: str
    share: float
    checks: tuple[str, ...]


class SourceRow(Struct, frozen=True):
    """A signal that several kinds measure: which one's values are evaluated (``held``), and which
    are only ``shown``."""

    signal: str
    held: tuple[str, ...]
    shown: tuple[str, ...]


class Listing(Struct, frozen=True):
    """Everything that ``probe list`` shows, in the order of the plan. ``warnings`` are
    about the configuration."""

    checks: tuple[CheckRow, ...]
    kinds: tuple[KindLines, ...]
    skipped: tuple[tuple[str, str], ...]
    budgets: tuple[BudgetLine, ...] = ()
    sources: tuple[SourceRow, ...] = ()
    warnings: tuple[str, ...] = ()


def render(listing: Listing, *, width: int, colour: bool) -> str:
    """The listing as text of the given width in columns."""
    lines: list[str] = []
    for title, text in _sections(listing, max(width, NARROWEST)):
        lines += ["", *(f"\x1b[1m{each}\x1b[0m" if colour else each for each in title), *text]
    return "".join(f"{line.rstrip()}\n" for line in lines[1:])


def _sections(listing: Listing, width: int) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """Each with its title, lines of at most ``width`` columns."""
    yield ["Checks"], _table(_CHECK_COLUMNS, map(_check, listing.checks), width)
    rows = [row for check in listing.checks for row in _thresholds(check)]
    yield ["Thresholds"], _table(_THRESHOLD_COLUMNS, rows, width)
    if listing.sources:
        title = "Sources: of several with the same signal, the first one configured is evaluated"
        names = [(row.signal, ", ".join(row.held), ", ".join(row.shown)) for row in listing.sources]
        yield wrapped(title, width), _table(("SIGNAL", "EVALUATED", "SHOWN ONLY"), names, width)
    if listing.budgets:
        yield ["Budgets"], _table(_BUDGET_COLUMNS, map(_budget, listing.budgets), width)
    for warning in listing.warnings:
        yield wrapped(f"Warning: {clean(warning)}.", width), ()
    for kind in listing.kinds:
        signals = [(f"  {_with_labels(signal)}", signal.help) for signal in kind.signals]
        cost = wrapped(f"A run costs {kind.cost}.", width)
        meanings = _table(("  SIGNAL", "MEANING"), signals, width, least=1)
        yield wrapped(f"{kind.name}: {kind.summary}", width), [*cost, "", *meanings]
    skipped = [f"  {name}: {clean(reason)}" for name, reason in listing.skipped] or ["  nothing"]
    yield ["Skipped"], [line for each in skipped for line in wrapped(each, width, 4)]


def _table(
    header: Sequence[str], rows: Iterable[Sequence[str]], width: int, *, least: int = 1
) -> list[str]:
    return list(columns(header, list(rows), width, least=least))


def _check(check: CheckRow) -> tuple[str, ...]:
    return (
        check.name,
        check.target,
        show(check.interval, Unit.SECONDS),
        f"{check.deadline:g} s",
        show(check.seen_within, Unit.SECONDS),
        ", ".join(check.costs) or "-",
        _when_failing(check),
    )


def _thresholds(check: CheckRow) -> Iterator[tuple[str, ...]]:
    for threshold in check.thresholds:
        yield (check.name, threshold.signal.name, _of(threshold), *_limits(threshold))


def _budget(each: BudgetLine) -> tuple[str, ...]:
    share = show(each.share, Unit.RATIO)
    return (each.plan, each.month, each.period, each.allowed, share, ", ".join(each.checks))


def _when_failing(check: CheckRow) -> str:
    if check.severity is None:
        return "it has no data"
    if check.partial:
        return f"{check.partial}; {check.severity} if none works for {check.hold:g} s"
    return f"{check.severity} after {check.hold:g} s"


def _of(threshold: Threshold) -> str:
    window = f" over {show(threshold.window, Unit.SECONDS)}" if threshold.window else ""
    optional = ", where measured" if threshold.optional else ""
    return f"{threshold.aggregation}{window}{optional}"


def _limits(threshold: Threshold) -> list[str]:
    sign = "≤ " if threshold.bad == "above" else "≥ "
    unit, limits = threshold.signal.unit, threshold.limits
    sign = "" if unit is Unit.BOOLEAN else sign
    return [
        "" if limit is None else f"{sign}{show(limit, unit)}"
        for limit in (limits.objective, limits.warning, limits.critical)
    ]


def _with_labels(signal: Signal) -> str:
    return f"{signal.name}{{{','.join(signal.labels)}}}" if signal.labels else signal.name
