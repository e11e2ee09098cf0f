"""Files that commands write atomically."""

from collections.abc import Mapping
from pathlib import Path

import click

from probe.exit_codes import OUTPUT_ERROR
from probe.storage.atomic import replace_file

__all__ = ["replace_file", "write"]


def write(files: Mapping[Path, str]) -> int:
    """Write files and say which; returns the exit code: 0, or 74 if one can't be written."""
    for path, text in files.items():
        try:
            replace_file(path, text.encode())
        except OSError as error:
            click.echo(f"probe: {path} can't be written: {error.strerror or error}", err=True)
            return OUTPUT_ERROR
        click.echo(str(path))
    return 0
