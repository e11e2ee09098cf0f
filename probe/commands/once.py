"""``probe --once``: one run, one report, one exit code."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from probe.commands.settings_loading import print_problems, settings_for
from probe.commands.terminal import (
    LOG_WIDTH,
    print_report,
    progress_line,
    rewrites_lines,
    style_for,
)
from probe.config.settings import Settings
from probe.core.context import Context
from probe.core.environment import ConfigProblem, ConfigurationError
from probe.core.kind import Check
from probe.core.model import Result, Verdict
from probe.diagnostics.redact import Redactor
from probe.exit_codes import INTERRUPTED, OUTPUT_ERROR, TERMINATED, USAGE_ERROR
from probe.lab_process import LabProcess
from probe.once import OnceOptions, ProgressListener, run_once
from probe.report.formats import FORMATS, Style
from probe.report.model import Report
from probe.report.text.phrases import BREACHED, without_objectives

if TYPE_CHECKING:
    from alerts.notifiers.slack import SlackEnvironment

# With --format github, what a file of this name gets, for programs.
_FORMATS_NEXT_TO_GITHUB = {".json": "json", ".xml": "junit"}


def run(options: Mapping[str, Any], lab: LabProcess | None = None) -> int:
    """Run, against ``lab`` if there is one, and report; returns the exit code."""
    try:
        _check_output(options["output"])
        if _has_metrics(options):
            from probe.commands import push

            push.check_options(options)
        slack = _slack(options)
        report, checks = asyncio.run(_run(options, lab))
    except ConfigurationError as error:
        print_problems(error)
        return USAGE_ERROR
    except KeyboardInterrupt:
        click.echo("probe: interrupted", err=True)
        return INTERRUPTED
    except asyncio.CancelledError:
        click.echo("probe: terminated", err=True)
        return TERMINATED
    finally:
        gc.enable()
    if slack is not None:
        from probe.commands.notifying import notify
        from probe.report.ci.chat import of_run

        notify(slack, of_run(report))
    written = _write_report(report, options)
    if _has_metrics(options):
        # A push that fails changes the exit code of a run that passed only.
        written &= push.send(report, checks, options) or report.exit_code != 0
    return report.exit_code if written else OUTPUT_ERROR


def _slack(options: Mapping[str, Any]) -> "SlackEnvironment | None":
    if not options["notify"]:
        return None
    from probe.commands.notifying import check_notify

    return check_notify(options)


def _has_metrics(options: Mapping[str, Any]) -> bool:
    """Whether metrics are delivered; an option of a push alone is refused there."""
    names = ("push", "push_job", "push_label", "textfile")
    return any(options[name] not in (None, ()) for name in names)


async def _run(
    options: Mapping[str, Any], lab: LabProcess | None
) -> tuple[Report, Sequence[Check]]:
    task = asyncio.current_task()
    if task is not None:
        # As with Ctrl-C: allocations are deleted and sessions closed before the process ends.
        for each in (signal.SIGTERM, signal.SIGHUP):
            # nohup has the end of a terminal ignored.
            if signal.getsignal(each) is not signal.SIG_IGN:
                asyncio.get_running_loop().add_signal_handler(each, task.cancel)
    if lab is None:
        return await _watch(settings_for(options), options)
    try:
        return await _watch(settings_for(options, await lab.environment()), options)
    finally:
        lab.end()


async def _watch(settings: Settings, options: Mapping[str, Any]) -> tuple[Report, Sequence[Check]]:
    # Everything is loaded: from now on garbage is looked for in what the run makes.
    gc.freeze()
    gc.enable()
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
    context = Context(redact=Redactor(settings.secrets).clean)
    with Progress(rewrites_lines(sys.stderr, os.environ)) as progress:
        report = await run_once(settings.plan, once, context=context, listener=progress)
    return _with_incidents(report, settings), settings.plan.checks


def _with_incidents(report: Report, settings: Settings) -> Report:
    """A run that does not pass, with what users lose and what to do."""
    if without_objectives(report.verdict) is Verdict.OK:
        return report
    from probe.once.incidents import RunFindings, incidents_of

    results = {row.name: row.result for row in report.rows}
    found = RunFindings(settings.plan.checks, results, report.evaluations, report.region)
    alerting = settings.alerting
    incidents = incidents_of(found, alerting.runbooks, alerting.public_url)
    # What could not be measured beside a failure is no news; else it is why the run does not pass.
    shown = [each for each in incidents if each.verdict in (report.verdict, *BREACHED)]
    return replace(report, incidents=tuple(shown))


def _check_output(path: Path | None) -> None:
    """Find out before the run, not after, that the report can't be written."""
    if path is None:
        return
    from probe.storage.output_file import output_problem

    if problem := output_problem(path):
        raise ConfigurationError([ConfigProblem(f"--output {path}", problem)])


def _write_report(report: Report, options: Mapping[str, Any]) -> bool:
    """Whether the report arrived: in its file (then the table on stdout), or on stdout alone.

    A job summary that can't be written is reported and doesn't change the exit code.
    """
    style = style_for(sys.stdout, os.environ)
    form, path = FORMATS[options["format_"]], options["output"]
    arrived = True
    if path is not None:
        from probe.commands.atomic_file import write_file

        plain = Style(colour=False, width=LOG_WIDTH)
        name = _FORMATS_NEXT_TO_GITHUB.get(path.suffix.lower())
        file_form = FORMATS[name] if name and options["format_"] == "github" else None
        arrived = write_file(path, (file_form or form)(report, plain))
        # Annotations only count on stdout.
        form = form if file_form else FORMATS["table"]
    is_document = form in (FORMATS["json"], FORMATS["junit"])
    if not print_report(form(report, style).rstrip("\n") + "\n", is_document=is_document):
        return False
    if options["format_"] == "github":
        from probe.commands.atomic_file import append_summary
        from probe.report.ci.github import summary

        append_summary(summary(report))
    return arrived


class Progress(ProgressListener):
    """One line on stderr that is rewritten on a terminal; nothing elsewhere.

    What --wait waits for is printed without a terminal too, for CI logs.
    """

    def __init__(self, interactive: bool) -> None:
        self._interactive = interactive
        self._open: list[str] = []
        self._last_reasons = ""

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

    def waiting(self, failing: Sequence[Result], seconds: float) -> None:
        self._line("")
        # Printed once for each reason, so that a CI log isn't flooded.
        if (reasons := _reasons(failing)) != self._last_reasons:
            click.echo(f"probe: waiting for {reasons}", err=True)
            self._last_reasons = reasons

    def giving_up(self, final: Sequence[Result]) -> None:
        self._line("")
        click.echo(f"probe: no use waiting for {_reasons(final)}", err=True)

    def _show(self) -> None:
        shown = ", ".join(self._open)
        self._line(f"probe: {len(self._open)} to go: {shown}" if shown else "")

    def _line(self, text: str) -> None:
        if self._interactive:
            click.echo(progress_line(text), err=True, nl=False)


def _reasons(results: Sequence[Result]) -> str:
    return "; ".join(
        f"{result.check} ({result.failure.cause}: {result.failure.message})"
        for result in results
        if result.failure is not None
    )
