"""Checks as lines of the status page: state, newest values, age, the day's strip."""

from collections.abc import Sequence

from msgspec import Struct

from probe.core.model import Verdict
from probe.report.html.charts.strips import StripPicture, status_strip
from probe.report.status import StatusRow
from probe.report.text.headline import (
    BROKEN,
    OUTDATED,
    breaches,
    figures,
    problem,
    share,
)
from probe.report.text.phrases import SYMBOLS, without_objectives
from probe.report.text.time_format import clock, duration

_FIGURES = 3
_ORDER = (Verdict.CRITICAL, Verdict.UNKNOWN, Verdict.WARNING, None, Verdict.OK)


class CheckLine(Struct, frozen=True):
    """One check. ``summary`` says what is wrong, in a sentence; where nothing is, ``figures`` are
    its newest values."""

    row: StatusRow
    summary: str
    figures: tuple[tuple[str, str], ...]
    age: str
    share: str
    strip: StripPicture


class KindGroup(Struct, frozen=True):
    """The checks of one kind on this page; ``total`` and ``tally`` count all that match."""

    kind: str
    lines: tuple[CheckLine, ...]
    total: int
    tally: tuple[tuple[Verdict | None, int], ...]
    open: bool = False


def check_line(row: StatusRow, now: float) -> CheckLine:
    """The line of a check."""
    summary = _summary(row, now)
    values = () if summary else tuple(figures(row, now)[:_FIGURES])
    return CheckLine(row, summary, values, age(row, now), share(row), status_strip(row))


def groups_of(
    shown: Sequence[StatusRow], matching: Sequence[StatusRow], now: float, *, is_open: bool
) -> list[KindGroup]:
    """The rows that are shown by kind, of all that match."""
    kinds = dict.fromkeys(row.kind for row in shown)
    return [
        KindGroup(
            kind,
            tuple(check_line(row, now) for row in shown if row.kind == kind),
            sum(row.kind == kind for row in matching),
            tally([row for row in matching if row.kind == kind]),
            is_open,
        )
        for kind in kinds
    ]


def by_kind(rows: Sequence[StatusRow]) -> list[StatusRow]:
    """Kinds in the order of the plan, in each the worst first."""
    kinds = {kind: at for at, kind in enumerate(dict.fromkeys(row.kind for row in rows))}
    return sorted(rows, key=lambda row: (kinds[row.kind], _rank(row)))


def tally(rows: Sequence[StatusRow]) -> tuple[tuple[Verdict | None, int], ...]:
    """How many checks are in each state, the worst first."""
    states = [without_objectives(row.verdict) if row.verdict else None for row in rows]
    return tuple((each, states.count(each)) for each in _ORDER if each in states)


def age(row: StatusRow, now: float) -> str:
    """``12 s ago``: how old the last result is, and whether it is outdated or overdue."""
    if row.last_run is None:
        return ""
    ago = f"{duration(max(0.0, now - row.last_run))} ago"
    return f"{OUTDATED}, {ago}" if row.outdated else f"{ago}{overdue(row, now)}"


def overdue(row: StatusRow, now: float) -> str:
    """``, overdue by 12 min``; empty while it is on time."""
    if row.due is None or now - row.due <= row.interval:
        return ""
    return f", overdue by {duration(now - row.due)}"


def next_run(row: StatusRow, now: float) -> str:
    """When it is due."""
    every = f"every {duration(row.interval)}"
    if row.due is None:
        return f"{every}, not scheduled"
    return f"next {clock(row.due, now, seconds=True)} UTC, {every}{overdue(row, now)}"


def _summary(row: StatusRow, now: float) -> str:
    if row.verdict in BROKEN:
        return problem(row) or (row.verdict or Verdict.UNKNOWN).value
    if row.failure is not None:
        return f"last run failed: {problem(row)}"
    if row.verdict is None:
        return next_run(row, now)
    missed = "; ".join(breaches(row, (Verdict.OBJECTIVE_MISSED,)))
    return f"{SYMBOLS[Verdict.OBJECTIVE_MISSED]} objective missed: {missed}" if missed else ""


def _rank(row: StatusRow) -> int:
    verdict = without_objectives(row.verdict) if row.verdict else None
    return _ORDER.index(verdict)
