"""A load for people: lines for a terminal or a CI log."""

from collections.abc import Iterator, Sequence

from probe.core.model import Verdict
from probe.load.report.texts import (
    error_text,
    generator_text,
    headline,
    iterations_text,
    lost_workers_text,
    objective_text,
    plan_text,
    seconds,
    share,
    spending_text,
)
from probe.load.result import LoadResult, StepRow, error_rows, notes, step_rows
from probe.report.formats import Style
from probe.report.text.phrases import SYMBOLS
from probe.report.text.sanitize import clean, without_commands

MARKS = {**SYMBOLS, Verdict.OBJECTIVE_MISSED: "✗"}
_COLOURS = {Verdict.OK: "32", Verdict.OBJECTIVE_MISSED: "1;31", Verdict.UNKNOWN: "35"}
HEAD = (
    "step", "passed", "failed", "not measured", "p50", "p95", "p99", "max", "corrected p95", "own"
)  # fmt: skip


def render(result: LoadResult, style: Style) -> str:
    """The whole report."""
    lines = list(_lines(result, style))
    return without_commands("".join(f"{line.rstrip()}\n" for line in lines))


def _lines(result: LoadResult, style: Style) -> Iterator[str]:
    verdict = result.verdict.value.upper().replace("_", " ")
    yield f"{_coloured(verdict, result.verdict, style)}  {headline(result)}"
    yield f"{clean(result.target)}: {plan_text(result.plan)}"
    yield iterations_text(result)
    yield f"Used: {spending_text(result.statistics.used)}"
    yield f"  of: {spending_text(result.limit)}"
    yield from (f"! {each}" for each in lost_workers_text(result))
    yield ""
    yield from _table([HEAD, *map(cells, step_rows(result))])
    if errors := error_rows(result):
        yield ""
        yield "Errors"
        yield from (f"  {error_text(row)}" for row in errors)
    yield ""
    yield "Objectives"
    for each in result.objectives:
        mark = _coloured(MARKS[each.verdict], each.verdict, style)
        yield f"  {mark} {objective_text(each)}"
    yield ""
    yield generator_text(result)
    yield from notes(result)
    yield from (f"Limit of the target: {clean(each)}" for each in result.limits_met)


def cells(row: StepRow) -> tuple[str, ...]:
    """A step's cells, as HEAD names them."""
    latencies = (row.p50, row.p95, row.p99, row.greatest, row.corrected_p95)
    counts = (row.passed, row.failed, row.not_measured)
    return (
        row.name,
        *(f"{count:,}" for count in counts),
        *(seconds(each) for each in latencies),
        share(row.own_share),
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *others = (
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join((first, *others))


def _coloured(text: str, verdict: Verdict, style: Style) -> str:
    return f"\x1b[{_COLOURS[verdict]}m{text}\x1b[0m" if style.colour else text
