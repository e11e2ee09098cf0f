"""``probe rules``: the same evaluation as rules for Prometheus and Alertmanager."""

from pathlib import Path

import click

from probe.commands.atomic_file import write
from probe.kinds import KINDS


def run(*, alertmanager: bool, output: Path | None) -> int:
    """Print or write the rules, or the Alertmanager configuration; returns the exit code."""
    from alerts.prometheus.alertmanager_config import alertmanager_file
    from alerts.prometheus.rules import rules_file

    text = alertmanager_file(KINDS) if alertmanager else rules_file(KINDS)
    if output is None:
        click.echo(text, nl=False)
        return 0
    return write({output: text})
