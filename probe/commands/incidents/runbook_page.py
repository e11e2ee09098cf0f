"""``probe runbook``: a runbook in the terminal, without a daemon."""

from collections.abc import Mapping
from typing import Any

import click

from alerts.runbooks.library import RunbookLibrary
from probe.commands.settings_loading import configured_settings, print_problems
from probe.core.environment import ConfigurationError
from probe.exit_codes import USAGE_ERROR
from probe.report.text.sanitize import without_commands
from probe.untrusted.text import suggest


def run(options: Mapping[str, Any], name: str | None) -> int:
    """Print one page, or name and title of each; 64 for one that is unknown."""
    library = _library(options)
    titles = dict(library.titles())
    if name is None:
        longest = max(map(len, titles))
        for slug, title in titles.items():
            click.echo(f"{slug.ljust(longest)}  {title}")
        return 0
    page = library.page(name)
    if page is None:
        click.echo(f"probe: there is no runbook {name!r}{suggest(name, titles)}", err=True)
        return USAGE_ERROR
    click.echo(without_commands(f"# {page.title}\n\n{page.text}"), nl=False)
    return 0


def _library(options: Mapping[str, Any]) -> RunbookLibrary:
    """Where the configuration is wrong, which is said, names in capitals stand for its own."""
    try:
        return configured_settings(options).alerting.runbooks
    except ConfigurationError as error:
        print_problems(error)
        return RunbookLibrary()
