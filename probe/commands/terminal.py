"""What is printed on a terminal or into a log: colours, width, and whether it arrived."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TextIO

import click

from probe.report.formats import Style
from probe.untrusted.text import is_decimal

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


def rewrites_lines(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a line of progress can be shown and replaced there."""
    return stream.isatty() and environ.get("TERM") != "dumb"


def progress_line(text: str) -> str:
    """What replaces the present line of stderr's terminal, cut to its width: what is wrapped is not
    replaced the next time."""
    width = shutil.get_terminal_size((80, 24)).columns
    with suppress(OSError, ValueError):
        width = os.get_terminal_size(sys.stderr.fileno()).columns or width
    return f"\r\x1b[2K{text[: max(width - 1, 20)]}"


def print_report(text: str, *, is_document: bool = False) -> bool:
    """Print a report on stdout; whether it arrived, else stderr says why not.

    A document (JSON, XML, HTML) is UTF-8 by what it is or says, whatever the terminal's encoding.
    """
    try:
        if is_document:
            sys.stdout.flush()
            click.echo(text.encode("utf-8", "backslashreplace"), nl=False)
        else:
            click.echo(text, nl=False, color=True)
        sys.stdout.flush()
    except OSError as error:
        click.echo(f"probe: the report can't be written: {error.strerror or error}", err=True)
        return False
    return True


def print_section(title: str, lines: Sequence[str]) -> None:
    """Print lines below a title, ``none`` where there are none."""
    click.echo(title)
    for line in lines or ["none"]:
        click.echo(f"  {line}")


def _columns(environ: Mapping[str, str]) -> int:
    columns = environ.get("COLUMNS", "")
    return int(columns) if is_decimal(columns) and int(columns) > 0 else LOG_WIDTH
