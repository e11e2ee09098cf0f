"""Entries as rows, and rows as entries.

What repeats in every entry (a check's name, a signal with its labels) is stored once and referenced
by number. Numbers of statuses and verdicts are never reassigned: files carry them. How many cases a
ratio is of stands among an entry's samples under a name that no signal has, so that older versions
read the file too.
"""

import json
import math
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from probe.core.model import Status, Verdict
from probe.history.database import Unreadable, newest_entry
from probe.history.model import Labels, ResultRow
from probe.history.uptime.marks import note_late

MAX_CHARACTERS = 500
STATUSES = (Status.OK, Status.FAILED, Status.UNKNOWN)
# In the order of severity.
VERDICTS = (
    Verdict.OK,
    Verdict.OBJECTIVE_MISSED,
    Verdict.UNKNOWN,
    Verdict.WARNING,
    Verdict.CRITICAL,
)
_Samples = tuple[tuple[str, Labels, float], ...]
_STATUS_OF = dict(enumerate(STATUSES))
_VERDICT_OF = dict(enumerate(VERDICTS))
COLUMNS = "check_id, at, duration, status, verdict, phase, cause, message, value, samples"
_INSERT = f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SAMPLE = struct.Struct("<Id")
_MAX_REMEMBERED = 10_000
# After a signal's name: of how many cases its value is.
CASES = "#cases"


class InvalidRow(Exception):
    """An invalid entry, which is not stored."""


class Writer:
    """Writes entries to one database, inside the caller's transactions.

    Not to be used after a rollback: it caches numbers that were assigned in the transaction.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._checks: dict[str, int] = {}
        self._series: dict[tuple[str, str], int] = {}
        self._newest: dict[int, float] = {}
        self._described_as: dict[tuple[str, Labels], tuple[str, str]] = {}

    def write(self, entries: Sequence[ResultRow]) -> int:
        """Returns how many were written: all but invalid ones."""
        rows = []
        for entry in entries:
            try:
                rows.append(self._row(entry))
            except InvalidRow:
                continue
        for check, at, *_ in rows:
            self._note_order(check, at)
        self._db.executemany(_INSERT, rows)
        return len(rows)

    def _note_order(self, check: int, at: float) -> None:
        if check not in self._newest:
            _make_room(self._newest)
            self._newest[check] = newest_entry(self._db, check)
        if at < self._newest[check]:
            note_late(self._db, check, self._newest[check])
        else:
            self._newest[check] = at

    def _row(self, entry: ResultRow) -> tuple[Any, ...]:
        try:
            check, plain = _tidy(entry.check), _plain(entry)
            samples = [
                (*self._described(signal, labels), float(value))
                for signal, labels, value in (*entry.samples, *_named(entry.cases))
            ]
        except (AttributeError, OverflowError, TypeError, ValueError) as error:
            raise InvalidRow from error
        packed = (
            _SAMPLE.pack(self._series_number(signal, labels), value)
            for signal, labels, value in samples
        )
        return (self._check_number(check), *plain, b"".join(packed))

    def _described(self, signal: str, labels: Labels) -> tuple[str, str]:
        """A signal and its labels as they are stored; a check has the same ones in every run."""
        key = (signal, labels)
        if key not in self._described_as:
            _make_room(self._described_as)
            self._described_as[key] = (_tidy(signal), json.dumps(labels))
        return self._described_as[key]

    def _check_number(self, name: str) -> int:
        if name not in self._checks:
            _make_room(self._checks)
            self._db.execute("INSERT OR IGNORE INTO checks (name) VALUES (?)", (name,))
            found = self._db.execute("SELECT id FROM checks WHERE name = ?", (name,))
            self._checks[name] = found.fetchone()[0]
        return self._checks[name]

    def _series_number(self, signal: str, labels: str) -> int:
        key = (signal, labels)
        if key not in self._series:
            _make_room(self._series)
            self._db.execute("INSERT OR IGNORE INTO series (signal, labels) VALUES (?, ?)", key)
            found = self._db.execute("SELECT id FROM series WHERE signal = ? AND labels = ?", key)
            self._series[key] = found.fetchone()[0]
        return self._series[key]


def _named(cases: Iterable[tuple[str, Labels, float]]) -> Iterator[tuple[str, Labels, float]]:
    for signal, labels, number in cases:
        yield f"{signal}{CASES}", labels, number


def _plain(entry: ResultRow) -> tuple[Any, ...]:
    """The columns from ``at`` to ``value``. Raises InvalidRow without a valid time."""
    if not math.isfinite(entry.at):
        raise InvalidRow
    return (
        float(entry.at),
        0.0 if math.isnan(entry.duration) else float(entry.duration),
        STATUSES.index(entry.status),
        VERDICTS.index(entry.verdict),
        _tidy(entry.phase),
        _tidy(entry.cause),
        _tidy(entry.message),
        float(entry.value) if entry.value is not None and math.isfinite(entry.value) else None,
    )


def _tidy(text: str) -> str:
    """A text that SQLite takes and other programs can read, of bounded length."""
    if len(text) > MAX_CHARACTERS:
        text = text[: MAX_CHARACTERS - 1] + "…"
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _make_room(numbers: dict[Any, Any]) -> None:
    if len(numbers) >= _MAX_REMEMBERED:
        numbers.clear()


class Reader:
    """Turns rows of one database into entries."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._checks = check_names(db)
        self._series = {
            number: (signal, _labels(labels))
            for number, signal, labels in db.execute("SELECT id, signal, labels FROM series")
        }

    def entry(self, row: Sequence[Any]) -> ResultRow:
        """``row`` has the COLUMNS. Raises Unreadable."""
        check, at, duration, status, verdict, phase, cause, message, value, samples = row
        try:
            plain, cases = self._samples(samples)
            return ResultRow(
                check=self._checks[check],
                at=at,
                duration=duration,
                status=_STATUS_OF[status],
                verdict=_VERDICT_OF[verdict],
                phase=phase,
                cause=cause,
                message=message,
                value=value,
                samples=plain,
                cases=cases,
            )
        except (LookupError, TypeError, struct.error) as error:
            raise Unreadable("an entry makes no sense") from error

    def _samples(self, packed: bytes) -> tuple[_Samples, _Samples]:
        """Values, and of how many cases they are."""
        found = [(*self._series[number], value) for number, value in _SAMPLE.iter_unpack(packed)]
        cases = tuple(
            (signal.removesuffix(CASES), labels, value)
            for signal, labels, value in found
            if signal.endswith(CASES)
        )
        if not cases:
            return tuple(found), ()
        return tuple(each for each in found if not each[0].endswith(CASES)), cases


def check_names(db: sqlite3.Connection) -> dict[int, str]:
    """Names of checks by their numbers."""
    return dict(db.execute("SELECT id, name FROM checks").fetchall())


def verdict_of(number: int) -> Verdict:
    """Raises Unreadable."""
    try:
        return _VERDICT_OF[number]
    except (LookupError, TypeError) as error:
        raise Unreadable("a verdict makes no sense") from error


def _labels(text: str) -> Labels:
    try:
        return tuple((str(name), str(value)) for name, value in json.loads(text))
    except (TypeError, ValueError) as error:
        raise Unreadable("the labels of a signal make no sense") from error
