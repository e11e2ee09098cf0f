"""Files that commands write: as a whole, or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path

import click

from probe.exit_codes import OUTPUT_ERROR
from probe.storage.output_file import append_output, write_output

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def write(files: Mapping[Path, str]) -> int:
    """Write files and say which; returns the exit code: 0, or 74 if one can't be written."""
    for path, text in files.items():
        if not write_file(path, text):
            return OUTPUT_ERROR
        click.echo(str(path))
    return 0


def write_file(path: Path, text: str | bytes, *, mode: int | None = None) -> bool:
    """Whether a file was written; says why it was not. What was there before stays then.

    ``mode`` is for one that is new; see :func:`write_output`.
    """
    try:
        write_output(path, text if isinstance(text, bytes) else encoded(text), mode=mode)
    except OSError as error:
        click.echo(f"probe: {path} can't be written: {error.strerror or error}", err=True)
        return False
    return True


def append_summary(text: str) -> None:
    """Append to the step summary of GitHub Actions, if there is one, within its limit; what can't
    be is reported."""
    from probe.report.ci.markdown import MAX_SUMMARY

    path = os.environ.get(STEP_SUMMARY)
    if not path:
        return
    try:
        if not append_output(Path(path), encoded(text), MAX_SUMMARY):
            click.echo(f"probe: {STEP_SUMMARY} has no room for the report", err=True)
    except OSError as error:
        click.echo(f"probe: {STEP_SUMMARY}: {error.strerror or error}", err=True)


def encoded(text: str) -> bytes:
    """In UTF-8; half a surrogate pair, of a name that is no UTF-8, is shown as such."""
    return text.encode("utf-8", "backslashreplace")
