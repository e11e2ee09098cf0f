"""The command line of ``probe watch`` and ``probe report``; what they run is imported late."""

import sys
from pathlib import Path
from typing import Any

import click

from probe.commands.silence.parameters import Duration

_FORMATS = ("text", "markdown", "html", "json")
FORMAT = click.option(
    "--format",
    "report_format",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="Format of the report on stdout.",
)
REPORT = click.option(
    "--report",
    "files",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write it to this file: .md, .html, .json or .txt. May be repeated.",
)
NOTIFY = click.option(
    "--notify", is_flag=True, help="Send one Slack message with the verdict, commit and author."
)
CONFIDENCE = click.option(
    "--confidence",
    type=click.FloatRange(0.5, 0.9999),
    default=0.95,
    show_default=True,
    help="Confidence level of the intervals.",
)


@click.command("watch")
@click.option("--for", "seconds", type=Duration(), required=True, help="How long: 24h, 90m, 1d12h.")
@click.option("--fail-fast", is_flag=True, help="End as soon as the verdict is decided.")
@click.option("--new", is_flag=True, help="Start over, even if a watch was interrupted.")
@CONFIDENCE
@FORMAT
@REPORT
@NOTIFY
@click.pass_obj
def watch(options: dict[str, Any], /, **params: Any) -> None:
    """Watch the objectives for a time and end with go, roll back or not decided.

    Runs the checks itself, or follows the daemon that runs on PROBE_DATA. Exit codes: 0 go, 2 roll
    back, 3 not decided.
    """
    from probe.commands.gate import watching

    sys.exit(watching.run(options, params))


@click.command("report")
@click.option(
    "--since",
    metavar="TIME",
    help="Start of the window: 2026-01-01T02:00Z, or 24h for 24 hours ago.",
)
@click.option("--until", metavar="TIME", help="End of the window.  [default: now]")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Compare with the window of this JSON report.",
)
@click.option(
    "--baseline-window",
    metavar="TIME/TIME",
    help="Compare with this window of the same history: 2026-01-01T02:00Z/2026-01-02T02:00Z.",
)
@CONFIDENCE
@FORMAT
@REPORT
@click.pass_obj
def report(options: dict[str, Any], /, **params: Any) -> None:
    """Judge a past window of the daemon's history (PROBE_DATA) as `probe watch` would.

    Exit codes: 0 go, 2 roll back, 3 not decided.
    """
    from probe.commands.gate import reporting

    sys.exit(reporting.run(options, params))
