"""SQLite's errors: what they say of a file, without anything of its contents."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

_UNREADABLE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
_TRANSIENT = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}
# SQLite's messages that quote a file's contents: only their beginning is kept.
_QUOTING = ("malformed database schema", "unsupported file format", "near ")


class Unreadable(Exception):
    """What is in the file can't be read. The text holds nothing of the contents."""


@contextmanager
def translate_corruption() -> Iterator[None]:
    """Turns SQLite's errors about the contents of the file into Unreadable."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if error_code(error) in _UNREADABLE:
            raise Unreadable(describe(error)) from None
        raise
    except UnicodeDecodeError:
        # SQLite's own message about a damaged schema, which quotes it.
        raise Unreadable("its contents are damaged") from None


def error_code(error: Exception) -> int:
    """SQLite's primary result code; 0 for what has none."""
    # The primary code is in the low byte of an extended one.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_transient(error: Exception) -> bool:
    """Whether the connection is as good as before: the file is locked, or the disk full."""
    return error_code(error) in _TRANSIENT


def is_storage_error(error: Exception) -> bool:
    """Whether the file or its disk fails, not what was asked of it."""
    return isinstance(error, (OSError, Unreadable)) or type(error) in (
        sqlite3.OperationalError,
        sqlite3.DatabaseError,
    )


def describe(error: Exception) -> str:
    """What went wrong, without anything of a file's contents."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    text = str(error)
    for start in _QUOTING:
        if text.startswith(start):
            return start.strip()
    return text
