"""Folders for data, and files that are replaced as a whole."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def make_folder(path: Path) -> None:
    """Make a folder that is its owner's alone, if there is none. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def replace_file(path: Path, text: bytes, *, mode: int = 0o644) -> None:
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
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
