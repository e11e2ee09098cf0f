"""The gate's report in Markdown, with its timeline as a Mermaid diagram."""

from collections.abc import Iterator, Sequence

from probe.core.model import Verdict
from probe.report.ci.markdown import bounded, escaped, mermaid_label, table
from probe.report.gate import phrases
from probe.report.gate.incident_lines import HEADINGS, incident_lines
from probe.report.gate.model import GateReport
from probe.report.text.time_format import duration, iso

# A diagram of more bars can't be read, and Mermaid refuses long texts (maxTextSize 50,000).
MAX_BARS = 60
_TAGS = {Verdict.CRITICAL: "crit", Verdict.WARNING: "active"}


def render(report: GateReport) -> str:
    """The report, below the limit of a step summary."""
    blocks = ("\n".join(lines) for lines in _blocks(report))
    return bounded("\n\n".join(block for block in blocks if block) + "\n")


def _blocks(report: GateReport) -> Iterator[Sequence[str]]:
    verdict, window = phrases.VERDICTS[report.verdict], report.window
    yield [f"### {verdict}: {escaped(phrases.headline(report))}"]
    yield [
        f"From {phrases.moment(window.start)} to {phrases.moment(window.end)}"
        f", region {escaped(report.region)}, probe {escaped(report.version)}"
        f", intervals at {100 * report.confidence:g} %."
    ]
    if report.early:
        yield [escaped(report.early) + "."]
    yield [f"- {escaped(line)}" for line in phrases.explanation(report)]
    yield _listed("Events", [escaped(each) for each in phrases.events(report)])
    yield list(_timeline(report))
    yield ["**Objectives**", "", *_objectives(report)]
    yield _listed("Without data", [escaped(row.name) for row in phrases.silent(report)])
    yield list(_comparison(report))
    yield list(_incidents(report))
    yield _listed("Without results", list(_gaps(report)))
    yield _listed("Costs", [f"{escaped(row.name)}: {escaped(row.amount)}" for row in report.costs])
    yield _listed(
        "Not checked",
        [f"**{escaped(kinds)}**: {escaped(why)}" for kinds, why in phrases.not_checked(report)],
    )
    yield [f"*{escaped(note)}*" for note in report.notes]


def _timeline(report: GateReport) -> Iterator[str]:
    """A Gantt chart: incidents, times without results, events."""
    bars = list(_bars(report))
    window = report.window
    if not bars:
        return
    yield "```mermaid"
    yield "gantt"
    yield "    dateFormat YYYY-MM-DDTHH:mm:ss"
    yield "    axisFormat %H:%M" if window.planned <= 2 * 86400 else "    axisFormat %m-%d"
    yield "    section watch"
    yield f"    {phrases.VERDICTS[report.verdict]} :done, {_span(window.start, window.end)}"
    yield from bars[:MAX_BARS]
    yield "```"
    if len(bars) > MAX_BARS:
        yield f"*{len(bars) - MAX_BARS} more are in the table below.*"


def _bars(report: GateReport) -> Iterator[str]:
    end = report.window.end
    if report.markers:
        yield "    section events"
    for marker in report.markers:
        yield f"    {mermaid_label(marker.text)} :milestone, {_moment(marker.at)}, 0d"
    if report.incidents:
        yield "    section incidents"
    for row in report.incidents:
        stop = end if row.end is None else row.end
        label = mermaid_label(phrases.incident(row))
        yield f"    {label} :{_TAGS.get(row.verdict, 'active')}, {_span(row.start, stop)}"
    if report.gaps:
        yield "    section no results"
    for gap in report.gaps:
        yield f"    {mermaid_label(gap.reason)} :done, {_span(gap.start, gap.end)}"


def _span(start: float, end: float) -> str:
    return f"{_moment(start)}, {_moment(max(end, start + 1))}"


def _moment(at: float) -> str:
    return (iso(at) or "1970-01-01T00:00:00Z").removesuffix("Z")


def _objectives(report: GateReport) -> Iterator[str]:
    rows = [
        [phrases.decision(row), *map(escaped, cells)] for row, cells in phrases.objectives(report)
    ]
    yield from table(("", *phrases.OBJECTIVES), rows)


def _comparison(report: GateReport) -> Iterator[str]:
    if not report.comparison:
        return
    yield "**Before and after** (≠ differs by more than noise)"
    yield ""
    header = ("", "series", "before", "after", "difference", "test")
    rows = [
        [
            "**≠**" if row.differs else "",
            escaped(phrases.compared_name(row)),
            escaped(phrases.compared_value(row.before, row.unit)),
            escaped(phrases.compared_value(row.after, row.unit)),
            escaped(phrases.difference(row)),
            escaped(f"{row.test} {phrases.likelihood(row)}".strip()),
        ]
        for row in report.comparison
    ]
    yield from table(header, rows)


def _incidents(report: GateReport) -> Iterator[str]:
    if not report.incidents:
        yield "No incidents."
        return
    yield "**Incidents**"
    yield ""
    yield from table(HEADINGS, [[*map(escaped, cells)] for cells in incident_lines(report)])


def _gaps(report: GateReport) -> Iterator[str]:
    for gap in report.gaps:
        text = f"{phrases.moment(gap.start)}: {duration(gap.duration)}"
        yield f"{text} ({escaped(gap.reason)})"


def _listed(title: str, lines: Sequence[str]) -> Sequence[str]:
    return [f"**{title}**", "", *(f"- {line}" for line in lines)] if lines else []
