"""The gate's report for a terminal: plain lines, which a log shows as well."""

from collections.abc import Iterator, Sequence

from probe.report.gate import phrases
from probe.report.gate.incident_lines import HEADINGS, incident_lines
from probe.report.gate.model import GateReport, GateVerdict
from probe.report.text.sanitize import clean, without_commands
from probe.report.text.time_format import duration

_COLOURS = {
    GateVerdict.GO: "32",
    GateVerdict.ROLL_BACK: "31",
    GateVerdict.NOT_DECIDED: "33",
}
MAX_REASONS = 10
# A line has no room for the last cell of an incident.
_MESSAGE = HEADINGS.index("message")


def render(report: GateReport, *, colour: bool = False) -> str:
    """The verdict first, then what it follows from."""
    verdict = phrases.VERDICTS[report.verdict]
    shown = f"\x1b[1;{_COLOURS[report.verdict]}m{verdict}\x1b[0m" if colour else verdict
    lines = [f"{shown}: {phrases.headline(report)}"]
    if report.early:
        lines.append(report.early)
    reasons = phrases.explanation(report)
    lines += [f"  {line}" for line in reasons[:MAX_REASONS]]
    if len(reasons) > MAX_REASONS:
        lines.append(f"  and {len(reasons) - MAX_REASONS} more")
    lines += [
        *_events(report),
        "",
        *_objectives(report),
        *_comparison(report),
        *_incidents(report),
        *_gaps(report),
        *_costs(report),
    ]
    if idle := phrases.silent(report):
        lines.append(f"Without data: {', '.join(row.name for row in idle)}.")
    lines += [f"Note: {note}." for note in report.notes]
    skipped = phrases.not_checked(report)
    lines += [f"Not checked: {kinds}: {reason}." for kinds, reason in skipped]
    text = "".join(f"{line}\n" for line in (lines[0], *map(clean, lines[1:])))
    return without_commands(text)


def _objectives(report: GateReport) -> Iterator[str]:
    header = ("", *(name.upper() for name in phrases.OBJECTIVES))
    rows = [(phrases.SIGNS[row.decision], *cells) for row, cells in phrases.objectives(report)]
    yield from columns([header, *rows])


def _comparison(report: GateReport) -> Iterator[str]:
    if not report.comparison:
        return
    yield ""
    header = ("", "BEFORE AND AFTER", "BEFORE", "AFTER", "DIFFERENCE", "NOISE?")
    rows = [
        (
            "≠" if row.differs else " ",
            phrases.compared_name(row),
            phrases.compared_value(row.before, row.unit),
            phrases.compared_value(row.after, row.unit),
            phrases.difference(row),
            phrases.likelihood(row),
        )
        for row in report.comparison
    ]
    yield from columns([header, *rows])


def _incidents(report: GateReport) -> Iterator[str]:
    if not report.incidents:
        return
    yield ""
    header = ("INCIDENT", *(name.upper() for name in HEADINGS[1:_MESSAGE]))
    yield from columns([header, *(cells[:_MESSAGE] for cells in incident_lines(report))])


def _events(report: GateReport) -> Iterator[str]:
    if report.markers:
        yield ""
    yield from (f"Event: {line}" for line in phrases.events(report))


def _gaps(report: GateReport) -> Iterator[str]:
    if report.gaps:
        yield ""
    for gap in report.gaps:
        text = f"{phrases.moment(gap.start)}: {duration(gap.duration)} without results"
        yield f"{text} ({gap.reason})"


def _costs(report: GateReport) -> Iterator[str]:
    if report.costs:
        yield ""
        yield "Costs: " + "; ".join(f"{row.name}: {row.amount}" for row in report.costs)


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as aligned columns."""
    cells = [[clean(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    for row in cells:
        yield "  ".join(
            f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
