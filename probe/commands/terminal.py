"""Colours and width of the output."""

import shutil
from collections.abc import Mapping
from typing import TextIO

from probe.report.formats import Style

# A log has no width of its own; wide enough for a line a check, narrow enough to read.
LOG_WIDTH = 120


def style_for(stream: TextIO, environ: Mapping[str, str]) -> Style:
    """Colours as NO_COLOR, FORCE_COLOR and TERM say, else for terminals; the width in columns."""
    terminal = stream.isatty()
    colour = terminal and environ.get("TERM") != "dumb"
    if environ.get("FORCE_COLOR"):
        colour = True
    if environ.get("NO_COLOR"):
        colour = False
    width = shutil.get_terminal_size((LOG_WIDTH, 24)).columns if terminal else _columns(environ)
    return Style(colour=colour, width=width)


def _columns(environ: Mapping[str, str]) -> int:
    columns = environ.get("COLUMNS", "")
    return int(columns) if columns.isdigit() and int(columns) > 0 else LOG_WIDTH
