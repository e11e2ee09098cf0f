"""The formats of the gate's report, by the name that ``--format`` takes or a file's suffix."""

from collections.abc import Callable, Mapping

from probe.report.formats import Style
from probe.report.gate.model import GateReport

NAMES = ("text", "markdown", "html", "json")
SUFFIXES: Mapping[str, str] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".txt": "text",
}


def render_as(name: str, report: GateReport, style: Style) -> str:
    """The report in a format."""
    if name == "text":
        from probe.report.gate import text

        return text.render(report, colour=style.colour, width=style.width)
    return _PLAIN[name](report)


def _markdown(report: GateReport) -> str:
    from probe.report.gate import markdown

    return markdown.render(report)


def _html(report: GateReport) -> str:
    from probe.report.gate import page

    return page.render(report)


def _json(report: GateReport) -> str:
    from probe.report.gate import document

    return document.render(report)


_PLAIN: Mapping[str, Callable[[GateReport], str]] = {
    "markdown": _markdown,
    "html": _html,
    "json": _json,
}
