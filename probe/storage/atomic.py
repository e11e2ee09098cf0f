"""Folders for data, and files that are replaced as a whole."""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# Of a file's name, in that of the file that takes its place: names end at 255 bytes.
_LONGEST = 40


def make_folder(path: Path) -> None:
    """Make a folder that is its owner's alone, if there is none. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def replace_file(path: Path, text: bytes) -> None:
    """Write a file of the program's own, its owner's alone, so that a reader sees the old one or
    the new one, never a part, also after a crash. What people name is written by
    :mod:`probe.storage.output_file`.

    Raises OSError; then nothing is left behind.
    """
    replace_with(path, text, lambda file: os.fchmod(file, 0o600))


def replace_with(path: Path, text: bytes, prepare: Callable[[int], None]) -> None:
    """The same; ``prepare`` is given the new file, which is its owner's alone, before it takes the
    place of the old one. Raises OSError."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:_LONGEST]}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            prepare(file.fileno())
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
