"""A load for people: lines for a terminal or a CI log."""

from collections.abc import Iterator

from msgspec.structs import replace

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
from probe.report.text.columns import columns
from probe.report.text.phrases import SYMBOLS
from probe.report.text.sanitize import clean, without_commands
from probe.report.text.wrap import wrapped

NARROWEST = 60
_INDENT = 4
MARKS = {**SYMBOLS, Verdict.OBJECTIVE_MISSED: "✗"}
_COLOURS = {Verdict.OK: "32", Verdict.OBJECTIVE_MISSED: "1;31", Verdict.UNKNOWN: "35"}
HEAD = (
    "step", "passed", "failed", "not measured", "p50", "p95", "p99", "max", "corrected p95", "own"
)  # fmt: skip


def render(result: LoadResult, style: Style) -> str:
    """The whole report, in lines of at most the style's width (but never below 60)."""
    style = replace(style, width=max(style.width, NARROWEST))
    lines = list(_lines(result, style))
    return without_commands("".join(f"{line.rstrip()}\n" for line in lines))


def _lines(result: LoadResult, style: Style) -> Iterator[str]:
    verdict = result.verdict.value.upper().replace("_", " ")
    yield from _marked(verdict, f"  {headline(result)}", result.verdict, style)
    for line in _facts(result):
        yield from wrapped(line, style.width, _INDENT)
    yield ""
    yield from columns(HEAD, [*map(cells, step_rows(result))], style.width, figures=True)
    if errors := error_rows(result):
        yield ""
        yield "Errors"
        for row in errors:
            yield from wrapped(f"  {error_text(row)}", style.width, _INDENT)
    yield ""
    yield "Objectives"
    for each in result.objectives:
        text = f" {objective_text(each)}"
        yield from _marked(f"  {MARKS[each.verdict]}", text, each.verdict, style)
    yield ""
    limits = (f"Limit of the target: {clean(each)}" for each in result.limits_met)
    for line in (generator_text(result), *notes(result), *limits):
        yield from wrapped(line, style.width, _INDENT)


def _facts(result: LoadResult) -> Iterator[str]:
    yield f"{clean(result.target)}: {plan_text(result.plan)}"
    yield iterations_text(result)
    yield f"Used: {spending_text(result.statistics.used)}"
    yield f"  of: {spending_text(result.limit)}"
    yield from (f"! {each}" for each in lost_workers_text(result))


def _marked(mark: str, text: str, verdict: Verdict, style: Style) -> list[str]:
    """Text behind a mark, which has a colour and no width by it."""
    first, *others = wrapped(mark + text, style.width, _INDENT)
    return [first.replace(mark, _coloured(mark, verdict, style), 1), *others]


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


def _coloured(text: str, verdict: Verdict, style: Style) -> str:
    return f"\x1b[{_COLOURS[verdict]}m{text}\x1b[0m" if style.colour else text
