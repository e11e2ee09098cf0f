"""Writes a load's report: to a file, or stdout; says so where that fails."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from probe.commands.atomic_file import write_file
from probe.commands.terminal import LOG_WIDTH, print_report, style_for
from probe.load.result import LoadResult
from probe.report.formats import Style


def render(result: LoadResult, name: str, style: Style) -> str:
    """The report in this format; each is imported when it is used."""
    if name == "table":
        from probe.load.report import table

        return table.render(result, style)
    from probe.load.report import html_report, json_report, junit

    formats: dict[str, Callable[[LoadResult], str]] = {
        "json": json_report.render,
        "junit": junit.render,
        "html": html_report.render,
    }
    return formats[name](result)


def write(result: LoadResult, name: str, path: Path | None) -> bool:
    """Whether the report arrived: in its file (then the table on stdout), or on stdout alone.

    Where the file can't be written the table is shown all the same: a load is not repeated
    lightly.
    """
    written = True
    if path is not None:
        text = render(result, name, Style(colour=False, width=LOG_WIDTH))
        written = write_file(path, text)
        name = "table"
    text = render(result, name, style_for(sys.stdout, os.environ)).rstrip("\n")
    return print_report(f"{text}\n", is_document=name != "table") and written
