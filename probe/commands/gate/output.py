"""Writes the gate's reports: to stdout, files, and the step summary of a CI service."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from probe.commands.atomic_file import append_summary, write_file
from probe.commands.terminal import LOG_WIDTH, print_report, style_for
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.exit_codes import OUTPUT_ERROR
from probe.report.formats import Style
from probe.report.gate.formats import SUFFIXES, render_as
from probe.report.gate.model import EXIT_CODES, GateReport
from probe.report.text.sanitize import without_commands
from probe.storage.output_file import output_problem


def check_files(files: Sequence[Path]) -> None:
    """Find out before a watch of a day, not after, that a report can't be written.

    Raises ConfigurationError.
    """
    problems = []
    for path in files:
        place = f"--report {path}"
        if path.suffix.lower() not in SUFFIXES:
            problems.append(ConfigProblem(place, f"name it {', '.join(sorted(SUFFIXES))}"))
        elif problem := output_problem(path):
            problems.append(ConfigProblem(place, problem))
    if problems:
        raise ConfigurationError(problems)


def deliver(report: GateReport, name: str, files: Sequence[Path]) -> int:
    """Write all of it; returns the exit code: the verdict's, or 74 where a report is lost.

    stdout is written even if a file can't be, so that a watch of a day is never lost.
    """
    text = render_as(name, report, style_for(sys.stdout, os.environ))
    is_text = name == "text"
    written = print_report(without_commands(text) if is_text else text, is_document=not is_text)
    plain = Style(colour=False, width=LOG_WIDTH)
    for path in files:
        written &= write_file(path, render_as(SUFFIXES[path.suffix.lower()], report, plain))
    append_summary(render_as("markdown", report, plain))
    return EXIT_CODES[report.verdict] if written else OUTPUT_ERROR
