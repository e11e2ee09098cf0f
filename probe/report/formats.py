"""The formats of a report, by the name that ``--format`` takes.

Each is imported when it is used: rich alone takes longer to load than all the rest.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from probe.report.model import Report


class Style(Struct, frozen=True):
    """What the reader's side can show: colours, and how many columns."""

    colour: bool = False
    width: int = 80


def _table(report: Report, style: Style) -> str:
    from probe.report.text import table

    return table.render(report, colour=style.colour, width=style.width)


def _json(report: Report, _style: Style) -> str:
    from probe.report.json import run

    return run.render(report)


def _junit(report: Report, _style: Style) -> str:
    from probe.report.ci import junit

    return junit.render(report)


def _github(report: Report, style: Style) -> str:
    from probe.report.ci import github
    from probe.report.text import table

    # Annotations come first: GitHub shows them apart, the log then reads like any other.
    plain = table.render(report, colour=False, width=style.width)
    return github.annotations(report) + plain


FORMATS: Mapping[str, Callable[[Report, Style], str]] = {
    "table": _table,
    "json": _json,
    "junit": _junit,
    "github": _github,
}
