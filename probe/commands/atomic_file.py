"""Files that commands write atomically."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click

from probe.exit_codes import OUTPUT_ERROR


def replace_file(path: Path, text: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part.

    Raises OSError; then nothing is left behind.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes it for its owner alone; a collector runs as somebody else.
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


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
