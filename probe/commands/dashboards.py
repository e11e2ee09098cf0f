"""``probe dashboards``: what Grafana imports, as it comes with the package."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import click

from probe.commands.atomic_file import write
from probe.exit_codes import OUTPUT_ERROR, USAGE_ERROR


def run(names: Sequence[str], *, output: Path | None) -> int:
    """List, print or write dashboards; returns the exit code."""
    known = _texts()
    wrong = [name for name in names if name not in known]
    if wrong:
        click.echo(f"probe: no dashboard {', '.join(wrong)}; known: {', '.join(known)}", err=True)
        return USAGE_ERROR
    if output is not None:
        if not _make_folder(output):
            return OUTPUT_ERROR
        return write({output / f"{name}.json": known[name] for name in names or known})
    if len(names) > 1:
        click.echo("probe: one dashboard at a time, or --output FOLDER", err=True)
        return USAGE_ERROR
    for name in names:
        click.echo(known[name], nl=False)
    if not names:
        for name, text in known.items():
            click.echo(f"{name:<22} {json.loads(text)['description']}")
    return 0


def _make_folder(path: Path) -> bool:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        click.echo(f"probe: {path} can't be made: {error.strerror or error}", err=True)
        return False
    return True


def _texts() -> dict[str, str]:
    """Every dashboard's file by its uid."""
    found = (each for each in files("dashboards").iterdir() if each.name.endswith(".json"))
    return {
        each.name.removesuffix(".json"): each.read_text(encoding="utf-8")
        for each in sorted(found, key=lambda each: each.name)
    }
