"""What is kept is its owner's alone, whoever makes it and whatever the umask is."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.outbox.schema import SCHEMA
from probe.storage.lock import FolderLock
from probe.storage.sqlite import open_file, transaction
from tests.command import probe


@pytest.fixture
def lenient_umask() -> Iterator[None]:
    """The umask of most shells."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def rights(folder: Path) -> dict[str, str]:
    """The mode of a folder and of all that is in it."""
    return {
        path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in (folder, *folder.iterdir())
    }


def test_a_database_and_its_log_are(tmp_path: Path, lenient_umask: None) -> None:
    folder = tmp_path / "data"
    database = open_file(folder / "alerts.sqlite", SCHEMA)
    with transaction(database):
        database.execute("INSERT INTO states VALUES ('a', 'b')")
    found = rights(folder)
    database.close()
    assert found.pop("data") == "0o700"
    assert set(found.values()) == {"0o600"}, found


def test_a_folder_that_is_locked_is(tmp_path: Path, lenient_umask: None) -> None:
    lock = FolderLock(tmp_path / "data")
    lock.take()
    lock.release()
    assert rights(tmp_path / "data")["data"] == "0o700"


async def test_files_that_a_command_makes_are(tmp_path: Path, lenient_umask: None) -> None:
    folder = tmp_path / "data"
    await probe(
        "alerts",
        "list",
        cwd=tmp_path,
        env={"PROBE_DATA": str(folder), "BACKEND_URL": "http://127.0.0.1:9"},
        fork=False,
    )
    found = rights(folder)
    assert found.pop("data") == "0o700"
    assert set(found.values()) == {"0o600"}, found
