"""``probe --once``: one run, one report, one exit code."""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from probe.app import Listener, OnceOptions, run_once
from probe.cli import INTERRUPTED, USAGE_ERROR
from probe.commands.configured import say_mistakes, settings_for
from probe.commands.terminal import style_for
from probe.context import Context
from probe.kind import Check
from probe.model import Result
from probe.report.formats import FORMATS
from probe.report.model import Report
from probe.settings import Settings
from probe.variables import ConfigurationError, Mistake


def run(options: Mapping[str, Any]) -> int:
    """Run and report; returns the exit code."""
    try:
        _check_output(options["output"])
        report = asyncio.run(_run(options))
    except ConfigurationError as error:
        say_mistakes(error)
        return USAGE_ERROR
    except KeyboardInterrupt:
        click.echo("probe: interrupted", err=True)
        return INTERRUPTED
    _tell(report, options)
    return report.exit_code


async def _run(options: Mapping[str, Any]) -> Report:
    if not options["lab"]:
        return await _watch(settings_for(options), options)
    from probe.lab import Lab

    async with Lab() as lab:
        return await _watch(settings_for(options, lab.environment()), options)


async def _watch(settings: Settings, options: Mapping[str, Any]) -> Report:
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("aioice", "aiortc", "asyncio"):
        logging.getLogger(noisy).setLevel(max(settings.log_level, logging.WARNING))
    once = OnceOptions(
        fail_on=options["fail_on"],
        deadline=options["deadline"],
        wait=options["wait"],
        must_measure=(*options["only"], *options["require"]),
        region=settings.region,
    )
    with Progress(sys.stderr.isatty()) as progress:
        return await run_once(settings.plan, once, context=Context(), listener=progress)


def _check_output(path: Path | None) -> None:
    """A report that can't be written is a mistake to find before the run, not after."""
    if path is None:
        return
    problem = None
    if not path.parent.is_dir():
        problem = f"there is no folder {path.parent}"
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        problem = "can't be written"
    if problem:
        raise ConfigurationError([Mistake(f"--output {path}", problem)])


def _tell(report: Report, options: Mapping[str, Any]) -> None:
    """The report to its file (then the table to stdout), or to stdout alone."""
    style = style_for(sys.stdout, os.environ)
    text = FORMATS[options["format_"]](report, style)
    if options["output"] is not None:
        Path(options["output"]).write_text(text, encoding="utf-8")
        text = FORMATS["table"](report, style) if options["format_"] != "table" else ""
    click.echo(text.rstrip("\n"), color=True)
    summary_path = os.environ.get("GITHUB_STEP_SUMMARY")
    if options["format_"] == "github" and summary_path:
        from probe.report.github import summary

        with Path(summary_path).open("a", encoding="utf-8") as file:
            file.write(summary(report))


class Progress(Listener):
    """One line on stderr that is rewritten while people wait; silent where nobody does.

    What --wait waits for is told without a terminal too: a CI log should say it.
    """

    def __init__(self, interactive: bool) -> None:
        self._interactive = interactive
        self._open: list[str] = []

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._line("")

    def round_begins(self, checks: Sequence[Check]) -> None:
        self._open = [check.name for check in checks]
        self._show()

    def result(self, result: Result) -> None:
        self._open.remove(result.check)
        self._show()

    def waits(self, failing: Sequence[Result], seconds: float) -> None:
        self._line("")
        click.echo(f"probe: waiting for {_reasons(failing)}", err=True)

    def gives_up(self, hopeless: Sequence[Result]) -> None:
        self._line("")
        click.echo(f"probe: waiting will not mend {_reasons(hopeless)}", err=True)

    def _show(self) -> None:
        shown = ", ".join(self._open)
        self._line(f"probe: {len(self._open)} to go: {shown}"[:79] if shown else "")

    def _line(self, text: str) -> None:
        if self._interactive:
            click.echo(f"\r\x1b[2K{text}", err=True, nl=False)


def _reasons(results: Sequence[Result]) -> str:
    return "; ".join(
        f"{result.check} ({result.failure.cause}: {result.failure.message})"
        for result in results
        if result.failure is not None
    )
