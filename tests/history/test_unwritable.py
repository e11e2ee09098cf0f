"""While history can't be written, entries are in memory, and the state says why."""

import asyncio
import logging
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from probe.history import MEMORY_BOUNDS, History, Retention
from tests import requirements
from tests.history.history_builders import database, everything, keep, opened
from tests.history.period_builders import DOZEN, NOON, entries, entry

pytestmark = pytest.mark.usefixtures("leaks")


def _below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "data"


def _in_proc(folder: Path) -> Path:
    return Path("/proc/self")


def _not_to_be_made(folder: Path) -> Path:
    return Path("/proc/self/data")


def _too_long(folder: Path) -> Path:
    return folder / ("x" * 300)


@pytest.mark.parametrize(
    "place",
    [_below_a_file, _in_proc, _not_to_be_made, _too_long],
    ids=lambda place: place.__name__.strip("_"),
)
async def test_a_folder_that_cant_be_written_means_history_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, place: Callable[[Path], Path]
) -> None:
    folder = place(tmp_path)
    async with opened(folder) as history:
        await keep(history, entries(3))
        assert len(await everything(history)) == 3
        state = history.state
        assert (state.persistent, state.written, state.lost) == (False, 3, 0)
        assert state.problem.startswith(f"{folder} can't be written (")
        assert state.problem.endswith("): history is kept in memory and lost at a restart")
        assert state.bytes <= MEMORY_BOUNDS.bytes
    assert [record.message for record in caplog.records] == [state.problem]


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own, in memory."""
    if os.geteuid() != 0:
        requirements.missing("tmpfs", "mounting needs root", "running the tests as root")
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        requirements.missing("tmpfs", done.stderr.strip(), "a kernel that mounts tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def make_read_only(disk: Path) -> None:
    """From now on, what is there can only be read."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all the room that there is."""
    path = folder / "filler"
    try:
        with path.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    except OSError:
        return path
    raise AssertionError("a disk that never is full")


async def test_a_disk_with_nothing_but_reading_means_history_in_memory(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=4m") as disk:
        async with opened(disk) as history:
            await keep(history, entries(3))
        make_read_only(disk)
        async with opened(disk) as history:
            await keep(history, entries(1))
            assert not history.state.persistent
            assert f"{disk} can't be written (" in history.state.problem


async def test_while_the_disk_is_full_entries_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with small_disk(tmp_path / "disk", "size=8m") as disk:
        async with opened(disk) as history:
            await keep(history, entries(100))
            filler = fill(disk)
            for start in range(1, 4):
                await keep(history, entries(3000, NOON + start, samples=DOZEN))
            assert "database or disk is full" in history.state.problem
            assert history.state.waiting >= 3000
            assert len(caplog.records) == 1, "what goes on is logged once"
            assert await everything(history), "what is written can be read"
            filler.unlink()
            await history.flush()
            state = history.state
            assert (state.problem, state.waiting, state.lost) == ("", 0, 0)
            assert len(await everything(history)) == state.written == 9100
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_start_on_a_full_disk_waits_for_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=2m") as disk:
        filler = fill(disk)
        async with opened(disk) as history:
            await keep(history, entries(3))
            assert (history.state.persistent, history.state.waiting) == (True, 3)
            assert "full" in history.state.problem
            assert await history.current_periods() == {}
            filler.unlink()
            await history.flush()
            assert (history.state.problem, history.state.written) == ("", 3)


async def test_what_no_disk_took_until_the_end_is_counted_as_lost(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        history = await History.open(disk, flush_seconds=3600)
        fill(disk)
        await keep(history, entries(5000, samples=DOZEN))
        await history.close()
        state = history.state
        assert state.waiting == 0
        assert state.written + state.lost == 5000
        assert state.lost > 0


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Writing beyond so many bytes fails, with an error that is not that of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_after_an_input_output_error_entries_are_written_later(tmp_path: Path) -> None:
    kept = entries(1000, samples=DOZEN)
    async with opened(tmp_path) as history:
        await keep(history, kept[:10])
        with no_file_beyond(64 << 10):
            await keep(history, kept[10:])
            assert "disk I/O error" in history.state.problem
            assert (history.state.waiting, history.state.lost) == (990, 0)
        await history.flush()
        assert history.state.problem == ""
        assert await everything(history) == kept


async def until(done: Callable[[], bool]) -> None:
    """Wait for the thread that writes."""
    async with asyncio.timeout(30):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_while_another_process_holds_the_lock_entries_wait(tmp_path: Path) -> None:
    async with opened(tmp_path, flush_seconds=0.01) as history:
        await keep(history, entries(3))
        with closing(database(tmp_path)) as other:
            other.execute("BEGIN IMMEDIATE")
            for each in entries(2):
                history.add(each)
            await until(lambda: "database is locked" in history.state.problem)
            assert history.state.waiting == 2
            assert len(await everything(history)) == 3
        await until(lambda: not history.state.problem)
        assert (history.state.written, history.state.waiting, history.state.lost) == (5, 0, 0)


async def test_a_start_while_the_file_is_locked_waits_for_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as history:
        await keep(history, entries(3))
    with closing(database(tmp_path)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        history = await History.open(tmp_path, flush_seconds=0.01)
        assert history.state.persistent
        assert "database is locked" in history.state.problem
        history.add(entry())
    await until(lambda: not history.state.problem)
    assert len(await everything(history)) == 4
    await history.close()


async def test_a_reader_that_never_ends_costs_no_history(tmp_path: Path) -> None:
    async with opened(tmp_path, bounds=Retention(bytes=2 << 20)) as history:
        await keep(history, entries(6000, samples=DOZEN))
        before = len(await everything(history))
        with closing(database(tmp_path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM entries").fetchall()
            await keep(history, entries(1000, samples=DOZEN))
            assert len(await everything(history)) >= 0.85 * before
        await keep(history, entries(1))
        assert history.state.bytes <= 2 << 20
        assert history.state.problem == ""


async def test_two_daemons_on_one_file_keep_both_their_entries(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        for number in range(50):
            at = NOON + number
            await keep(one, [entry(at, check="one", samples=DOZEN)])
            await keep(other, [entry(at, check="other", samples=DOZEN[:number])])
        kept = await everything(one)
        assert [each.check for each in kept] == ["one", "other"] * 50
        assert [each.samples for each in kept[1::2]] == [DOZEN[:n] for n in range(50)]
        assert (one.state.lost, other.state.lost) == (0, 0)
    with closing(database(tmp_path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
