"""What can still be read of a damaged SQLite file, row by row.

The file is read with ``writable_schema``, under which SQLite loads as much of the schema as
it understands. Where the text of a table's definition is damaged, the known one is put in its
place, in a copy. A page in the middle of a table that can't be read hides what follows it, so
each table is read from both ends.
"""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec import Struct, field

Row = tuple[Any, ...]
IsValid = Callable[[Row], bool]

_COPIED = ("", "-wal")
_BATCH = 500


class Salvaged(Struct, frozen=True):
    """How many rows of each table were copied, and how many made no sense."""

    rows: Mapping[str, int] = field(default_factory=dict)
    invalid: int = 0

    @property
    def total(self) -> int:
        """All rows that were copied."""
        return sum(self.rows.values())


def salvage(
    damaged: Path,
    target: sqlite3.Connection,
    tables: Mapping[str, str],
    is_valid: Mapping[str, IsValid],
    budget: float,
) -> Salvaged:
    """Copy what can be read of ``damaged`` into ``target``, newest rows first.

    ``tables`` are CREATE TABLE texts by name; ``budget`` is in seconds. Raises OSError, and
    sqlite3.Error if ``target`` fails.
    """
    end = time.monotonic() + budget
    counts: dict[str, int] = {}
    invalid = 0
    with tempfile.TemporaryDirectory(prefix="salvage-", dir=damaged.parent) as folder:
        copy = Path(folder) / damaged.name
        for suffix in _COPIED:
            source = damaged.with_name(damaged.name + suffix)
            if source.is_file():
                shutil.copyfile(source, copy.with_name(copy.name + suffix))
        if not copy.is_file():
            return Salvaged()
        with closing(sqlite3.connect(copy, isolation_level=None)) as source_db:
            _repair_schema(source_db, tables)
        for table in tables:
            with closing(sqlite3.connect(copy, isolation_level=None)) as source_db:
                found, wrong = _copy_table(source_db, target, table, is_valid.get(table), end)
            counts[table] = found
            invalid += wrong
    return Salvaged(counts, invalid)


def _repair_schema(source: sqlite3.Connection, tables: Mapping[str, str]) -> None:
    """Put the known definitions into the place of damaged ones; as far as that goes."""
    try:
        source.execute("PRAGMA writable_schema = ON")
        for table, definition in tables.items():
            source.execute(
                "UPDATE sqlite_schema SET type = 'table', sql = ? WHERE name = ? AND rootpage > 0",
                (definition, table),
            )
        # Damaged names of ours: the definition says which table it is.
        known = list(tables)
        source.execute(
            "DELETE FROM sqlite_schema WHERE type IN ('index', 'view', 'trigger')"
            f" OR (name NOT IN ({', '.join('?' for _ in known)}) AND name NOT LIKE 'sqlite_%')",
            known,
        )
    except (sqlite3.Error, UnicodeDecodeError):
        return


def _copy_table(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    table: str,
    is_valid: IsValid | None,
    end: float,
) -> tuple[int, int]:
    """How many rows were copied, and how many made no sense."""
    source.text_factory = _decode
    columns = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
    places = ", ".join("?" for _ in columns)
    insert = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({places})"
    copied = invalid = 0
    for batch in _batches(_rows_of(source, table, columns, end)):
        good = [row for row in batch if makes_sense(row, is_valid)]
        invalid += len(batch) - len(good)
        target.execute("BEGIN IMMEDIATE")
        try:
            before = target.total_changes
            for row in good:
                try:
                    target.execute(insert, row)
                except sqlite3.IntegrityError:
                    invalid += 1
            copied += target.total_changes - before
        finally:
            target.execute("COMMIT")
    return copied, invalid


def _decode(raw: bytes) -> str | bytes:
    """Text, or, where it is damaged, its bytes, by which the row is known as invalid."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


def makes_sense(row: Row, is_valid: IsValid | None) -> bool:
    """Whether a row of a damaged file is one of the table; without ``is_valid`` any is."""
    try:
        return is_valid is None or is_valid(row)
    except Exception:  # whatever damaged contents do to who reads them
        return False


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _rows_of(
    source: sqlite3.Connection, table: str, columns: list[str], end: float
) -> Iterator[Row]:
    """Rows from the newest on, then from the oldest on, until what can't be read or ``end``."""
    names = ", ".join(columns)
    reached: int | None = None
    for order in ("DESC", "ASC"):
        try:
            source.execute("PRAGMA writable_schema = ON")
            rows = source.execute(
                f"SELECT rowid, {names} FROM {table} NOT INDEXED ORDER BY rowid {order}"
            )
            for row in rows:
                if time.monotonic() > end or (order == "ASC" and row[0] == reached):
                    return
                reached = row[0] if order == "DESC" else reached
                yield tuple(row[1:])
            if order == "DESC":
                return
        except (sqlite3.Error, UnicodeDecodeError, OverflowError):
            continue
