"""The command line of ``probe doctor``; the command itself is imported when it is called."""

import sys
from typing import Any

import click


@click.command("doctor")
@click.option("--offline", is_flag=True, help="Send nothing: only what this machine knows.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def doctor(options: dict[str, Any], /, offline: bool, as_json: bool) -> None:
    """Show on one screen what is monitored, what is not and why, and whether all is ready.

    Runs every check once. Exit code 0: all that is configured is ready, 2: something isn't, 3:
    something could not be decided, 64: the configuration is wrong.
    """
    from probe.commands.doctor import run

    sys.exit(run.run(options, offline=offline, as_json=as_json))
