"""The report for people: a table for a terminal or a CI log.

Everything that comes from a target is cleaned before rich sees it, and given to rich as
``Text``, which knows no markup.
"""

import io
from collections.abc import Iterator, Sequence

from msgspec import Struct
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from probe.core.model import Unit, Verdict
from probe.report.model import Report, ReportRow
from probe.report.text.failures import by_cause, messages, where
from probe.report.text.impact import IMPACT, MAX_INCIDENTS, STEP, facts, left_out
from probe.report.text.phrases import (
    MISSED,
    SYMBOLS,
    figures,
    footer,
    headline,
    missed,
    objective_sentence,
    skipped_by_reason,
    without_objectives,
)
from probe.report.text.sanitize import clean, cut, without_commands
from probe.report.text.units import JOINT, show

NARROWEST = 60

_STYLES = {
    Verdict.OK: "green",
    Verdict.OBJECTIVE_MISSED: "cyan",
    Verdict.UNKNOWN: "magenta",
    Verdict.WARNING: "yellow",
    Verdict.CRITICAL: "bold red",
}
_GAP = 2
_MAX_TARGET = 60


def render(report: Report, *, colour: bool, width: int) -> str:
    """The whole report in lines of at most ``width`` columns (but never below 60)."""
    width = max(width, NARROWEST)
    stream = io.StringIO()
    # All options are explicit, so that no environment variable changes the text; without a height,
    # rich takes a dumb terminal to be 80 columns wide.
    console = Console(
        file=stream,
        width=width,
        height=100,
        color_system="standard" if colour else None,
        force_terminal=colour,
        no_color=not colour,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    blocks = [block for block in _blocks(report, width) if block is not None]
    for position, block in enumerate(blocks):
        if position:
            console.print()
        console.print(block)
    lines = (line.rstrip() for line in stream.getvalue().splitlines())
    return without_commands("".join(f"{line}\n" for line in lines))


def _blocks(report: Report, width: int) -> Iterator[RenderableType | None]:
    verdict = without_objectives(report.verdict)
    yield _hanging(Text(verdict.value.upper(), _STYLES[verdict]), Text(headline(report), "bold"))
    yield _impacts(report)
    yield _checks(report, width) if report.rows else None
    yield from (_failed(rows) for rows in by_cause(report.rows))
    yield _missed(report)
    yield _skipped(report)
    yield Text(JOINT.join(footer(report)), "dim")


def _impacts(report: Report) -> RenderableType | None:
    """What users lose, where and what to do, of each incident."""
    lines: list[RenderableType] = []
    for incident in report.incidents[:MAX_INCIDENTS]:
        for title, text in facts(incident).items():
            is_first = title == IMPACT
            mark = Text(SYMBOLS[incident.verdict] if is_first else " ", _STYLES[incident.verdict])
            label = Text.assemble(mark, f" {title.ljust(len(STEP))}")
            lines.append(_hanging(label, Text(text, "bold" if is_first else "")))
    lines += [Text(f"  {more}")] if (more := left_out(report)) else []
    return Group(*lines) if lines else None


class _TableEntry(Struct, frozen=True):
    """A check's cells before they are fitted to the width."""

    verdict: Verdict
    name: str
    target: str
    figures: list[str]
    time: str


def _checks(report: Report, width: int) -> Table:
    entries = [_entry(report, row) for row in report.rows]
    names = max(cell_len(entry.name) for entry in entries)
    targets = max(cell_len(entry.target) for entry in entries)
    numbers = max(cell_len(JOINT.join(entry.figures)) for entry in entries)
    times = max(len("time"), *(len(entry.time) for entry in entries))
    verdicts = max(len(_mark(entry.verdict)) for entry in entries)
    if verdicts + names + targets + numbers + times + 4 * _GAP <= width:
        return _in_one_line(entries)
    names = min(names, max(12, width * 3 // 10))
    middle = width - verdicts - names - times - 3 * _GAP
    return _stacked(entries, names, middle)


def _entry(report: Report, row: ReportRow) -> _TableEntry:
    target = cut(clean(row.target), _MAX_TARGET)
    time = show(row.result.duration, Unit.SECONDS)
    return _TableEntry(
        without_objectives(row.verdict), clean(row.name), target, figures(report, row), time
    )


def _in_one_line(entries: Sequence[_TableEntry]) -> Table:
    table = _grid("", "check", "target", "figures")
    table.add_column("time", justify="right", no_wrap=True)
    for entry in entries:
        table.add_row(
            Text(_mark(entry.verdict), _STYLES[entry.verdict]),
            Text(entry.name, "bold"),
            Text(entry.target, "dim"),
            Text(JOINT.join(entry.figures)),
            Text(entry.time),
        )
    return table


def _stacked(entries: Sequence[_TableEntry], names: int, middle: int) -> Table:
    """Values below the target, where they don't fit next to it."""
    from probe.report.text.wrap import filled

    table = _grid("", "check")
    table.columns[1].width = names
    table.add_column("target, figures", width=middle, overflow="fold")
    table.add_column("time", justify="right", no_wrap=True)
    for entry in entries:
        lines = [cut(entry.target, middle), *filled(entry.figures, middle)]
        stack = Text("\n").join(
            Text(line, "dim" if not position else "") for position, line in enumerate(lines)
        )
        mark = Text(_mark(entry.verdict), _STYLES[entry.verdict])
        table.add_row(mark, Text(entry.name, "bold"), stack, Text(entry.time))
    return table


def _grid(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _failed(rows: Sequence[ReportRow]) -> RenderableType | None:
    """What failed of one cause: each message once, and what to do."""
    row, failure = rows[0], rows[0].result.failure
    if failure is None:
        return None
    verdict = without_objectives(max((each.verdict for each in rows), key=lambda each: each.rank))
    facts = ", ".join(clean(f"{name} {fact}") for name, fact in row.result.facts.items())
    shown = facts if len(rows) == 1 else ""
    return Group(
        _hanging(Text(SYMBOLS[verdict], _STYLES[verdict]), Text(where(rows), "bold"), gap=1),
        *(_hanging(Text(""), Text(each)) for each in messages(rows)),
        *([_hanging(Text(""), Text(shown, "dim"))] if shown else []),
        _hanging(Text("  Try:"), Text(clean(failure.hint)), gap=1),
    )


def _missed(report: Report) -> RenderableType | None:
    lines: list[RenderableType] = []
    for row in report.rows:
        for each in missed(report, row.name, MISSED):
            text = Text(f"{clean(row.name)}: {objective_sentence(each)}")
            mark = Text(SYMBOLS[each.verdict], _STYLES[each.verdict])
            lines.append(_hanging(mark, text, gap=1))
    return Group(Text("Limits missed", "bold"), *lines) if lines else None


def _skipped(report: Report) -> RenderableType | None:
    if not report.skipped:
        return None
    grid = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    grid.add_column(overflow="fold", max_width=30)
    grid.add_column(overflow="fold")
    for kinds, reason in skipped_by_reason(report):
        grid.add_row(_hanging(Text("-"), Text(kinds), gap=1), Text(reason))
    return Group(Text("Not checked", "bold"), grid)


def _hanging(mark: Text, text: Text, gap: int = _GAP) -> Table:
    """Text next to a mark; what is wrapped stays next to it."""
    grid = Table.grid(padding=(0, gap, 0, 0), pad_edge=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(mark, text)
    return grid


def _mark(verdict: Verdict) -> str:
    return f"{SYMBOLS[verdict]} {verdict.value}"
