"""The configuration as text: checks, thresholds, signals, and what is skipped."""

import io
from collections.abc import Iterable, Sequence

from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from probe.core.model import Signal, Threshold, Unit
from probe.report.text.units import show

_CHECK_COLUMNS = (
    "NAME",
    "TARGET",
    "EVERY",
    "DEADLINE",
    "SEEN WITHIN",
    "IN 30 DAYS",
    "WHEN IT FAILS",
)


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


# Wide enough for the names that are given by themselves.
_MAX_NAME = 22


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
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=colour, no_color=not colour)
    console.print(_checks(listing.checks))
    console.print(_thresholds(listing.checks))
    if listing.sources:
        console.print(_sources(listing.sources))
    if listing.budgets:
        console.print(_budgets(listing.budgets))
    for warning in listing.warnings:
        console.print(Text(f"\nWarning: {warning}.", style="bold"))
    for kind in listing.kinds:
        console.print(Text(f"\n{kind.name}: {kind.summary}", style="bold"))
        console.print(Text(f"A run costs {kind.cost}."))
        console.print(_signals(kind.signals))
    console.print(Text("\nSkipped", style="bold"))
    for name, reason in listing.skipped:
        console.print(Text(f"  {name}: {reason}"))
    if not listing.skipped:
        console.print(Text("  nothing"))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        # A name is copied, into --only say: it is kept in one piece where that can be.
        least = _MAX_NAME if number == 0 else None
        table.add_column(column, overflow="fold", min_width=least)
    return table


def _checks(checks: Iterable[CheckRow]) -> Table:
    table = _table("Checks", _CHECK_COLUMNS)
    for check in checks:
        table.add_row(
            Text(check.name),
            Text(check.target),
            show(check.interval, Unit.SECONDS),
            f"{check.deadline:g} s",
            show(check.seen_within, Unit.SECONDS),
            ", ".join(check.costs) or "-",
            _when_failing(check),
        )
    return table


def _thresholds(checks: Iterable[CheckRow]) -> Table:
    columns = ("CHECK", "SIGNAL", "OF", "OBJECTIVE", "WARNING", "CRITICAL")
    table = _table("\nThresholds", columns)
    for check in checks:
        for threshold in check.thresholds:
            table.add_row(check.name, threshold.signal.name, _of(threshold), *_limits(threshold))
    return table


def _sources(sources: Iterable[SourceRow]) -> Table:
    columns = ("SIGNAL", "EVALUATED", "SHOWN ONLY")
    table = _table(
        "\nSources: of several with the same signal, the first one configured is evaluated", columns
    )
    for each in sources:
        table.add_row(each.signal, ", ".join(each.held), ", ".join(each.shown))
    return table


def _budgets(budgets: Iterable[BudgetLine]) -> Table:
    columns = ("PLAN", "IN 31 DAYS", "BY ITS TERMS", "MAY TAKE", "TAKES", "CHECKS")
    table = _table("\nBudgets", columns)
    for each in budgets:
        share = show(each.share, Unit.RATIO)
        names = ", ".join(each.checks)
        row = (each.plan, each.month, each.period, each.allowed, share, names)
        table.add_row(*(Text(cell) for cell in row))
    return table


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


def _signals(signals: Iterable[Signal]) -> Table:
    table = _table("", ("  SIGNAL", "MEANING"))
    for signal in signals:
        labels = f"{{{','.join(signal.labels)}}}" if signal.labels else ""
        table.add_row(Text(f"  {signal.name}{labels}"), Text(signal.help))
    return table
