"""The command line of ``probe status``, ``incidents`` and ``annotate``; the code is imported when
it is called."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from probe.command_group import CommandGroup
from probe.commands.silence.parameters import Duration, Number, Seconds

_URL = click.option(
    "--url", default="", help="URL of the daemon's pages.  [default: this machine's]"
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the API's JSON.")
_AUTHOR = click.option(
    "--author", "-a", default=lambda: os.environ.get("USER", ""), help="The author, who is shown."
)


@click.command("status")
@click.option("--watch", is_flag=True, help="Repeat until interrupted.")
@click.option(
    "--every",
    type=Seconds(above=0.2),
    default=5.0,
    show_default=True,
    help="Time between two updates.",
)
@click.option(
    "--export",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write the public status page and its badges into this directory, for a web server.",
)
@_JSON
@_URL
@click.pass_obj
def status(
    options: dict[str, Any],
    watch: bool,
    every: float,
    export: Path | None,
    as_json: bool,
    url: str,
) -> None:
    """Show the daemon's state: open incidents, services, uptime."""
    if export is not None:
        from probe.commands.incidents import static_export

        sys.exit(static_export.run(options, export, url=url, every=every if watch else None))
    from probe.commands.incidents import overview as command

    sys.exit(command.run(options, url=url, as_json=as_json, every=every if watch else None))


@click.group("incidents", cls=CommandGroup, invoke_without_command=True)
@click.option(
    "--state", type=click.Choice(["open", "resolved", "all"]), default="all", show_default=True
)
@click.option("--since", type=Duration(), help="Only those of the last 12h, 7d, 4w.")
@click.option("--limit", type=Number(1, 200), default=20, show_default=True)
@click.option("--export", metavar="ID", help="Print this one as Markdown, for a post-mortem.")
@_JSON
@_URL
@click.pass_context
def incidents(
    ctx: click.Context,
    /,
    state: str,
    since: float | None,
    limit: int,
    export: str | None,
    as_json: bool,
    url: str,
) -> None:
    """List incidents, export one, add a note to it."""
    ctx.obj = {**ctx.obj, "url": url}
    if ctx.invoked_subcommand is not None:
        return
    from probe.commands.incidents import listing as command

    if export is not None:
        ctx.exit(command.export(ctx.obj, export, None, url=url))
    ctx.exit(command.show(ctx.obj, state=state, since=since, limit=limit, as_json=as_json, url=url))


@incidents.command("export")
@click.argument("incident", metavar="ID")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file."
)
@_URL
@click.pass_obj
def incidents_export(options: dict[str, Any], incident: str, output: Path | None, url: str) -> None:
    """Print an incident as Markdown, to start a post-mortem from."""
    from probe.commands.incidents import listing as command

    sys.exit(command.export(options, incident, output, url=url or options["url"]))


@incidents.command("note")
@click.argument("incident", metavar="ID")
@click.argument("text")
@_AUTHOR
@click.option("--public", is_flag=True, help="Show it on the public status page, too.")
@_URL
@click.pass_obj
def incidents_note(
    options: dict[str, Any], incident: str, text: str, author: str, public: bool, url: str
) -> None:
    """Add a note in Markdown to an incident."""
    from probe.commands.incidents import listing as command

    url = url or options["url"]
    sys.exit(command.note(options, incident, text, author=author, public=public, url=url))


@incidents.command("acknowledge")
@click.argument("incident", metavar="ID")
@click.option("--comment", "-c", default="", help="What is done about it.")
@_AUTHOR
@_URL
@click.pass_obj
def incidents_acknowledge(
    options: dict[str, Any], incident: str, comment: str, author: str, url: str
) -> None:
    """Acknowledge an incident."""
    from probe.commands.incidents import listing as command

    url = url or options["url"]
    sys.exit(command.acknowledge(options, incident, author=author, comment=comment, url=url))


@click.command("annotate")
@click.argument("text")
@click.option("--kind", default="deploy", show_default=True, help="deploy, migration, …")
@click.option("--time", "at", metavar="ISO8601", help="When it happened.  [default: now]")
@click.option("--end", metavar="ISO8601", help="When it ended, if it took a while.")
@click.option("--link", default="", help="URL of the pipeline run or the release.")
@click.option("--commit", default="", help="Commit that was deployed.")
@click.option("--author", "-a", default="", help="The author.")
@click.option("--tag", "tags", multiple=True, help="A tag to filter by; may be repeated.")
@_JSON
@_URL
@click.pass_obj
def annotate(options: dict[str, Any], /, text: str, as_json: bool, url: str, **parts: Any) -> None:
    """Record a deployment: pages, dashboards, history and alerts show it.

    It is sent to the daemon (--url, or this machine's) with PROBE_API_TOKEN, or written to
    PROBE_DATA.
    """
    from probe.commands.incidents import annotation as command

    sys.exit(command.run(options, text, parts, as_json=as_json, url=url))


@click.command("runbook")
@click.argument("name", required=False)
@click.pass_obj
def runbook(options: dict[str, Any], name: str | None) -> None:
    """Print a runbook, with the configuration's names and addresses; without NAME, list all."""
    from probe.commands.incidents import runbook_page as command

    sys.exit(command.run(options, name))
