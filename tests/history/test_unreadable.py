"""A file that can't be read stops nobody: it is set aside, and history begins anew."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.history.history_builders import FILE, buckets, database, everything, keep, opened, sizes
from tests.history.period_builders import DOZEN, NOON, entries, entry

pytestmark = pytest.mark.usefixtures("leaks")


def change(folder: Path, *statements: str) -> None:
    """Do this to the database behind our back."""
    with closing(database(folder)) as db:
        for statement in statements:
            db.execute(statement)


def overwrite(path: Path, start: int, end: int) -> None:
    """Put what makes no sense over a part of a file."""
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * (end - start))


def _text(folder: Path) -> None:
    (folder / FILE).write_text("This is not a database, but long enough to be one. " * 100)


def _nothing_but_zeros(folder: Path) -> None:
    (folder / FILE).write_bytes(bytes(10_000))


def _header_damaged(folder: Path) -> None:
    overwrite(folder / FILE, 0, 100)


def _schema_damaged(folder: Path) -> None:
    overwrite(folder / FILE, 100, 4096)


def _truncated(folder: Path) -> None:
    os.truncate(folder / FILE, 10_000)


def _truncated_in_the_header(folder: Path) -> None:
    os.truncate(folder / FILE, 50)


def _newer_schema(folder: Path) -> None:
    change(folder, "PRAGMA user_version = 2")


def _foreign(folder: Path) -> None:
    (folder / FILE).unlink()
    change(folder, "CREATE TABLE songs (name TEXT)")


def _table_missing(folder: Path) -> None:
    change(folder, "DROP TABLE series")


def _column_missing(folder: Path) -> None:
    change(folder, "ALTER TABLE entries RENAME COLUMN cause TO why")


def _index_missing(folder: Path) -> None:
    change(folder, "DROP INDEX entries_by_standing")


def _directory(folder: Path) -> None:
    (folder / FILE).unlink()
    (folder / FILE).mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        _text,
        _nothing_but_zeros,
        _header_damaged,
        _schema_damaged,
        _truncated,
        _truncated_in_the_header,
        _foreign,
        _table_missing,
        _directory,
    ],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
async def test_an_unreadable_file_is_quarantined_and_history_starts_empty(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None]
) -> None:
    async with opened(tmp_path) as history:
        await keep(history, entries(200, samples=DOZEN))
    spoil(tmp_path)
    aside = "history-unreadable-20270115T080000Z.sqlite"
    async with opened(tmp_path) as history:
        assert history.state.persistent
        assert str(tmp_path / FILE) in history.state.problem
        assert aside in history.state.problem
        await keep(history, [entry()])
        assert await everything(history) == [entry()]
    [warning] = caplog.records
    assert warning.message == history.state.problem
    assert set(sizes(tmp_path)) == {FILE, aside}
    async with opened(tmp_path) as history:
        assert await everything(history) == [entry()]
        assert history.state.problem == ""


def _one_page_damaged(folder: Path) -> None:
    size = (folder / FILE).stat().st_size
    overwrite(folder / FILE, size // 8192 * 4096, size // 8192 * 4096 + 4096)
    change(folder, "DROP INDEX entries_by_standing")


def _schema_not_text(folder: Path) -> None:
    raw = (folder / FILE).read_bytes()
    at = raw.rfind(b"CREATE TABLE entries")
    (folder / FILE).write_bytes(raw[: at + 3] + b"\xb8" + raw[at + 4 :])


@pytest.mark.parametrize(
    ("spoil", "least"),
    [
        (_newer_schema, 200),
        (_index_missing, 200),
        (_column_missing, 200),
        (_schema_not_text, 200),
        (_one_page_damaged, 100),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
async def test_what_can_still_be_read_of_a_damaged_file_is_kept(
    tmp_path: Path, spoil: Callable[[Path], None], least: int
) -> None:
    before = entries(200, samples=DOZEN)
    async with opened(tmp_path) as history:
        await keep(history, before)
    spoil(tmp_path)
    async with opened(tmp_path) as history:
        kept = await everything(history)
        assert len(kept) >= least
        assert all(each in before for each in kept)
        assert f"{len(kept)} results were copied" in history.state.problem
        await keep(history, [entry()])
        assert len(await everything(history)) == len(kept) + 1


async def test_what_was_set_aside_is_as_it_was_its_log_included(tmp_path: Path) -> None:
    change(tmp_path, "PRAGMA journal_mode = WAL", "PRAGMA user_version = 9")
    with closing(database(tmp_path)) as db:
        db.execute("CREATE TABLE songs (name TEXT)")
        async with opened(tmp_path):
            pass
    aside = "history-unreadable-20270115T080000Z.sqlite"
    assert {aside, f"{aside}-wal"} <= set(sizes(tmp_path))
    with closing(sqlite3.connect(tmp_path / aside)) as db:
        assert db.execute("SELECT * FROM songs").fetchall() == []


async def test_of_files_set_aside_the_newest_two_are_kept(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / FILE).write_text(f"{number} is not a database" * 100)
        (tmp_path / f"{FILE}-wal").write_text("nor is this a log")
        async with opened(tmp_path, now=lambda: NOON):
            pass
    names = set(sizes(tmp_path)) - {FILE}
    kept = {name: (tmp_path / name).read_text()[0] for name in names if name.endswith("sqlite")}
    assert set(kept.values()) == {"2", "3"}
    assert {name.removesuffix("-wal") for name in names} == set(kept)


async def test_a_notice_of_what_was_set_aside_is_worth_a_day(tmp_path: Path) -> None:
    _text(tmp_path)
    now = NOON
    async with opened(tmp_path, now=lambda: now) as history:
        now += 86399
        assert history.state.problem
        now += 1
        assert not history.state.problem


@pytest.mark.parametrize("query", ["write", "recent", "buckets", "periods", "current periods"])
async def test_a_file_that_is_damaged_while_it_is_open_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, query: str
) -> None:
    async with opened(tmp_path) as history:
        await keep(history, entries(1000, samples=DOZEN))
        change(tmp_path, "PRAGMA wal_checkpoint(TRUNCATE)")
        overwrite(tmp_path / FILE, 4096, (tmp_path / FILE).stat().st_size)
        change(tmp_path, "PRAGMA user_version = 1")  # others have written: nothing is cached
        found = {
            "write": lambda: keep(history, [entry()]),
            "recent": lambda: history.recent(0),
            "buckets": lambda: buckets(history, [NOON, NOON + 50, NOON + 100]),
            "periods": lambda: history.unhealthy_periods(NOON, NOON + 100),
            "current periods": history.current_periods,
        }[query]
        assert not await found()
        await keep(history, [entry(NOON + 1)])
        assert (await everything(history))[-1] == entry(NOON + 1)
        assert "set aside" in history.state.problem
        assert history.state.lost == 0
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET verdict = 77",
        "UPDATE entries SET status = -1",
        "UPDATE entries SET samples = x'01'",
        "DELETE FROM series",
        "UPDATE series SET labels = '[1]'",
        "DELETE FROM checks",
    ],
)
async def test_contents_that_make_no_sense_cant_be_read(tmp_path: Path, statement: str) -> None:
    async with opened(tmp_path) as history:
        await keep(history, entries(3, samples=DOZEN))
        change(tmp_path, statement)
        assert await everything(history) == []
        assert "set aside" in history.state.problem


async def test_a_removed_file_is_recreated(tmp_path: Path) -> None:
    async with opened(tmp_path) as history:
        await keep(history, entries(3))
        shutil.rmtree(tmp_path)
        await keep(history, entries(2))
        assert len(await everything(history)) == 2
    async with opened(tmp_path) as history:
        assert len(await everything(history)) == 2
