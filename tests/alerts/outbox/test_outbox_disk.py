"""The outbox without a disk, with one that fails, and with a file that nobody can read."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from alerts.outbox.outbox import Outbox
from alerts.outbox.schema import FILE, SCHEMA
from probe.storage.thread import Stalled, StorageThread
from tests.alerts.services import reopened, stored, titles
from tests.alerts.words import a_delivery, a_silence
from tests.clocks import Clock

T = TypeVar("T")


async def test_without_a_folder_it_works_in_memory_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outbox = await Outbox.open(None)
    assert len(await stored(outbox, a_delivery())) == 1
    assert outbox.state.persistent is False
    assert "no data folder" in outbox.state.problem
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    await outbox.close()


@pytest.mark.parametrize("obstacle", ["file instead of the folder", "folder instead of the file"])
async def test_a_folder_that_cannot_be_used_is_a_problem_not_an_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, obstacle: str
) -> None:
    folder = tmp_path / "data"
    if obstacle.startswith("file"):
        folder.write_text("in the way")
    else:
        (folder / FILE).mkdir(parents=True)
    outbox = await Outbox.open(folder)
    assert len(await stored(outbox, a_delivery())) == 1
    assert outbox.state.persistent is False
    assert str(folder) in outbox.state.problem
    assert len(caplog.records) == 1
    await outbox.close()


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 1000)


def other_columns(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE deliveries (something TEXT)")
    database.close()


def torn(path: Path) -> None:
    asyncio.run(fill(path.parent))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


async def fill(folder: Path) -> None:
    outbox = await Outbox.open(folder)
    await outbox.commit({str(i): "x" * 500 for i in range(100)}, [a_delivery()] * 50)
    await outbox.close()


@pytest.mark.parametrize("spoil", [garbage, other_columns, torn])
async def test_a_file_that_cannot_be_read_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None]
) -> None:
    await asyncio.to_thread(spoil, tmp_path / FILE)
    outbox = await Outbox.open(tmp_path, now=Clock(1_767_225_600.0))
    assert await outbox.states() == {}
    assert outbox.state.persistent
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    await outbox.close()
    assert (tmp_path / "alerts-unreadable-20260101T000000Z.sqlite").exists()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_at_most_two_unreadable_files_are_kept(tmp_path: Path) -> None:
    for second in range(4):
        garbage(tmp_path / FILE)
        await (await Outbox.open(tmp_path, now=Clock(1_767_225_600.0 + second))).close()
    assert names_in(tmp_path) == [
        "alerts-unreadable-20260101T000002Z.sqlite",
        "alerts-unreadable-20260101T000003Z.sqlite",
        FILE,
    ]


class Stuck:
    """Another process that holds the file and doesn't let go."""

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(folder / FILE, isolation_level=None)
        self._database.execute("BEGIN EXCLUSIVE")

    def let_go(self) -> None:
        self._database.close()


async def test_a_disk_that_fails_meanwhile_loses_nothing_and_is_used_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.outbox.outbox.SCHEMA", replace(SCHEMA, busy_seconds=0.01))
    clock = Clock()
    outbox = await Outbox.open(tmp_path, now=clock)
    await outbox.commit({"a": "one"}, [a_delivery(at=1)])
    stuck = Stuck(tmp_path)
    await outbox.commit({"a": "two"}, [a_delivery(at=2)])
    assert "locked" in outbox.state.problem
    assert not outbox.state.persistent
    clock.pass_(61)
    await outbox.commit({"b": "still stuck"})
    assert "locked" in outbox.state.problem
    stuck.let_go()
    other = await Outbox.open(tmp_path)
    await other.add_silence(a_silence())
    await other.close()
    clock.pass_(61)
    await outbox.commit({"c": "free"})
    assert outbox.state.problem == ""
    assert await outbox.silences(0) == [a_silence()]
    again = await reopened(outbox, tmp_path)
    assert await again.states() == {"a": "two", "b": "still stuck", "c": "free"}
    assert titles(await again.waiting()) == ["firing at 1", "firing at 2"]
    await again.close()


async def test_a_file_that_can_be_read_only_later_is_added_to_what_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(1_800_000_000.0)
    before = await Outbox.open(tmp_path, now=clock)
    await before.commit({"a": "one", "b": "old"}, [a_delivery(at=1), a_delivery(at=2)])
    await before.close()
    with monkeypatch.context() as broken:
        broken.setattr("probe.storage.replica.open_file", _broken)
        outbox = await Outbox.open(tmp_path, now=clock)
        await outbox.commit({"b": "new", "c": "two"}, [a_delivery(at=3)])
        assert not outbox.had_late()
    clock.pass_(61)
    await outbox.silences(clock())
    assert outbox.had_late()
    assert outbox.state.problem == ""
    states = {"a": "one", "b": "new", "c": "two"}
    assert await outbox.states() == states
    assert titles(await outbox.waiting()) == ["firing at 1", "firing at 2", "firing at 3"]
    again = await reopened(outbox, tmp_path)
    assert await again.states() == states
    assert titles(await again.waiting()) == ["firing at 1", "firing at 2", "firing at 3"]
    await again.close()


class UnheardThread(StorageThread):
    """Does its first job, the answer of which is not waited for or is an error."""

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(name)
        self._error: Exception | None = error

    async def run(self, work: Callable[[], T], *, seconds: float | None = None) -> T:
        answer = await super().run(work, seconds=seconds)
        error, self._error = self._error, None
        if error is not None:
            raise error
        return answer


@pytest.mark.parametrize("error", [Stalled(), OSError(5, "Input/output error")])
async def test_what_was_read_too_late_at_the_start_is_read_again(
    tmp_path: Path, error: Exception
) -> None:
    clock = Clock(1_800_000_000.0)
    before = await Outbox.open(tmp_path, now=clock)
    await before.commit({"a": "one", "b": "old"}, [a_delivery(at=1)])
    await before.close()
    outbox = await Outbox.open(tmp_path, now=clock, thread=lambda name: UnheardThread(name, error))
    await outbox.commit({"b": "new"}, [a_delivery(at=2)])
    clock.pass_(61)
    await outbox.silences(clock())
    assert outbox.had_late()
    assert await outbox.states() == {"a": "one", "b": "new"}
    again = await reopened(outbox, tmp_path)
    assert await again.states() == {"a": "one", "b": "new"}
    assert titles(await again.waiting()) == ["firing at 1", "firing at 2"]
    await again.close()


def _broken(*_: object) -> None:
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize("journal", [None, b"", b"\0" * 4096])
async def test_files_that_a_full_disk_let_be_made_and_not_written_are_a_loss(
    tmp_path: Path, journal: bytes | None
) -> None:
    (tmp_path / FILE).touch()
    if journal is not None:
        (tmp_path / "open-incidents.0.journal").write_bytes(journal)
    outbox = await Outbox.open(tmp_path, journals=[tmp_path])
    assert outbox.has_lost_all
    await outbox.close()
    again = await Outbox.open(tmp_path, journals=[tmp_path])
    assert not again.has_lost_all
    await again.close()


async def test_a_first_start_is_no_loss(tmp_path: Path) -> None:
    outbox = await Outbox.open(tmp_path, journals=[tmp_path])
    assert not outbox.has_lost_all
    await outbox.close()


GARBAGE = b"\xb8 garbage" * 500


@pytest.mark.parametrize("database", [GARBAGE, b"", None], ids=["garbage", "empty", "gone"])
@pytest.mark.parametrize("journals", [1, 2])
async def test_a_journal_of_which_nothing_can_be_read_is_no_journal(
    tmp_path: Path, database: bytes | None, journals: int
) -> None:
    if database is not None:
        (tmp_path / FILE).write_bytes(database)
    for number in range(journals):
        (tmp_path / f"open-incidents.{number}.journal").write_bytes(GARBAGE)
    outbox = await Outbox.open(tmp_path, journals=[tmp_path])
    assert outbox.has_lost_all
    await outbox.close()
    again = await Outbox.open(tmp_path, journals=[tmp_path])
    assert not again.has_lost_all
    await again.close()


async def test_one_journal_that_is_whole_is_enough(tmp_path: Path) -> None:
    data, second = tmp_path / "data", tmp_path / "second"
    outbox = await Outbox.open(data, journals=[data, second])
    assert outbox.incidents is not None
    await outbox.incidents.start()
    await outbox.close()
    for path in data.iterdir():
        path.write_bytes(GARBAGE)
    again = await Outbox.open(data, journals=[data, second])
    assert not again.has_lost_all
    await again.close()
