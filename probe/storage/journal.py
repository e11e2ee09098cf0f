"""A tiny append-only journal of the newest record of each key, for when other files are lost.

Two files of fixed size, whose space is taken when they are made, so that a full disk can still
be written. Each line is ``crc32 json``; what does not check out is passed over. When a file is
full, the newest record of each key goes into the other one, which then counts: its first line
says how many lines belong to it and a generation higher than that of the other file. Where
that does not check out, both files are read.
"""

import json
import os
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from probe.storage.atomic import make_folder

SIZE = 256 << 10
MAX_SIZE = 16 << 20
MAX_CLOSED = 200

Record = Mapping[str, Any]


@dataclass(slots=True)
class Contents:
    """What a journal holds: the newest record of each key, by number. ``complete``: nothing
    in it was damaged; ``found``: there was one."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    complete: bool = True
    found: bool = False


class Journal:
    """The journal in one folder. All methods may raise OSError and are for one thread."""

    def __init__(self, folder: Path, name: str) -> None:
        self._paths = [folder / f"{name}.{number}.journal" for number in (0, 1)]
        self._place, self._at, self._generation = 0, 0, 0
        self._size = SIZE
        self._file: int | None = None
        self._identity: tuple[int, int] | None = None

    def read(self) -> Contents:
        """What is in the files, as far as it can be read."""
        files = [_read(path) for path in self._paths]
        found = [each for each in files if each is not None]
        whole = [each for each in found if each.whole]
        newest = max(whole, key=lambda each: each.generation, default=None)
        used = [newest] if newest is not None and newest.generation > 0 else found
        contents = Contents(found=bool(found))
        contents.complete = bool(found) and len(used) == 1 and not used[0].damaged
        for each in used:
            for record in each.records:
                known = contents.records.get(record["k"])
                if known is None or known["n"] <= record["n"]:
                    contents.records[record["k"]] = record
        self._generation = max((each.generation for each in found), default=0)
        if newest is not None:
            self._place = 1 - files.index(newest)
        return contents

    def rewrite(self, records: Mapping[str, Record]) -> None:
        """Write the newest record of each key into the other file, which counts from now on."""
        lines = b"".join(_line(record) for record in records.values())
        self._generation += 1
        head = _line({"generation": self._generation, "lines": len(records)})
        self._size = SIZE
        while self._size < 2 * (len(head) + len(lines)) and self._size < MAX_SIZE:
            self._size *= 2
        self.close()
        path = self._paths[self._place]
        make_folder(path.parent)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # Zeros are written, not left as a hole: they take the space.
            _write(file, (head + lines).ljust(self._size, b"\0"), 0)
            os.fsync(file)
        except BaseException:
            os.close(file)
            raise
        _sync_folder(path.parent)
        self._file, self._at = file, len(head) + len(lines)
        found = os.fstat(file)
        self._identity = (found.st_dev, found.st_ino)
        self._place = 1 - self._place

    def append(self, record: Record, records: Mapping[str, Record]) -> None:
        """Write one record, and wait until it is on the disk. ``records`` are the newest of
        each key, this one included, for when the file is full, gone or was never opened."""
        line = _line(record)
        if self._file is None or not self._is_there() or self._at + len(line) >= self._size:
            self.rewrite(records)
            return
        _write(self._file, line, self._at)
        os.fsync(self._file)
        self._at += len(line)

    def _is_there(self) -> bool:
        """Whether the file that is written is still the one at its path."""
        try:
            found = self._paths[1 - self._place].stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                os.close(file)


@dataclass(slots=True)
class _File:
    """What one of the two files holds."""

    generation: int = 0
    whole: bool = False
    damaged: bool = False
    records: list[dict[str, Any]] = field(default_factory=list)


def _read(path: Path) -> _File | None:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_SIZE)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not raw.strip(b"\0"):
        return None  # a full disk let it be made, and not be written
    found, promised = _File(), -1
    for line in raw.split(b"\n"):
        text = line.strip(b"\0")
        if not text:
            continue
        document = _document(text)
        if document is None:
            found.damaged = True
        elif "generation" in document and promised < 0:
            found.generation, promised = int(document["generation"]), int(document["lines"])
        elif isinstance(document.get("k"), str) and isinstance(document.get("n"), int):
            found.records.append(document)
    found.whole = 0 <= promised <= len(found.records)
    return found


def _document(text: bytes) -> dict[str, Any] | None:
    check, _, rest = text.partition(b" ")
    try:
        if int(check, 16) != zlib.crc32(rest):
            return None
        document = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _line(record: Record) -> bytes:
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _write(file: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, at)
        view, at = view[written:], at + written


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def newest(records: Mapping[str, Record]) -> dict[str, Record]:
    """The records without the oldest of those that are closed."""
    over = sorted(
        (record["n"], key) for key, record in records.items() if record.get("s") == "closed"
    )
    dropped = {key for _, key in over[:-MAX_CLOSED]}
    return {key: record for key, record in records.items() if key not in dropped}
