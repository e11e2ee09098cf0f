"""The gate's report for a terminal: plain lines, which a log shows as well."""

from collections.abc import Iterator

from probe.report.gate import phrases
from probe.report.gate.incident_lines import HEADINGS, incident_lines
from probe.report.gate.model import GateReport, GateVerdict
from probe.report.text.columns import columns
from probe.report.text.sanitize import clean, without_commands
from probe.report.text.time_format import duration
from probe.report.text.wrap import wrapped

_COLOURS = {
    GateVerdict.GO: "32",
    GateVerdict.ROLL_BACK: "31",
    GateVerdict.NOT_DECIDED: "33",
}
MAX_REASONS = 10
NARROWEST = 60
_INDENT = 4


def render(report: GateReport, *, colour: bool = False, width: int = 120) -> str:
    """The verdict first, then what it follows from, in lines of at most ``width`` columns (but
    never below 60)."""
    width = max(width, NARROWEST)
    verdict = phrases.VERDICTS[report.verdict]
    first, *others = wrapped(f"{verdict}: {phrases.headline(report)}", width, _INDENT)
    if colour:
        shown = f"\x1b[1;{_COLOURS[report.verdict]}m{verdict}\x1b[0m"
        first = first.replace(verdict, shown, 1)
    lines = [first, *others]
    for line in _lines(report, width):
        # A table's lines fit already.
        lines += wrapped(clean(line), width, _INDENT)
    return without_commands("".join(f"{line}\n" for line in lines))


def _lines(report: GateReport, width: int) -> Iterator[str]:
    if report.early:
        yield report.early
    reasons = phrases.explanation(report)
    yield from (f"  {line}" for line in reasons[:MAX_REASONS])
    if len(reasons) > MAX_REASONS:
        yield f"  and {len(reasons) - MAX_REASONS} more"
    yield from _events(report)
    yield ""
    yield from _objectives(report, width)
    yield from _comparison(report, width)
    yield from _incidents(report, width)
    yield from _gaps(report)
    yield from _costs(report)
    if idle := phrases.silent(report):
        yield f"Without data: {', '.join(row.name for row in idle)}."
    yield from (f"Note: {note}." for note in report.notes)
    skipped = phrases.not_checked(report)
    yield from (f"Not checked: {kinds}: {reason}." for kinds, reason in skipped)


def _objectives(report: GateReport, width: int) -> Iterator[str]:
    header = ("", *(name.upper() for name in phrases.OBJECTIVES))
    rows = [(phrases.SIGNS[row.decision], *cells) for row, cells in phrases.objectives(report)]
    yield from columns(header, rows, width)


def _comparison(report: GateReport, width: int) -> Iterator[str]:
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
    yield from columns(header, rows, width)


def _incidents(report: GateReport, width: int) -> Iterator[str]:
    if not report.incidents:
        return
    yield ""
    header = ("INCIDENT", *(name.upper() for name in HEADINGS[1:]))
    yield from columns(header, incident_lines(report), width)


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
