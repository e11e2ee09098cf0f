"""A data folder is private, and what isn't the probe's keeps its rights."""

import logging
import os
import tempfile
from pathlib import Path

import pytest

from probe.diagnostics.private_files import check_data_folder, make_private
from probe.lab import Lab
from tests.command import probe
from tests.storage.test_private import rights

OURS = (
    *("alerts.sqlite", "alerts.sqlite-wal", "alerts.sqlite-shm", "history.sqlite"),
    *("history-unreadable-20260101T000000Z.sqlite", "open-incidents.0.journal", "daemon.json"),
    *("starts.json", ".starts.json.k3_x9", "watch.json", "secret_fingerprints.json"),
)


def filled(folder: Path, names: tuple[str, ...], mode: int) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_text("x")
        (folder / name).chmod(0o644)
    folder.chmod(mode)
    return folder


@pytest.mark.parametrize("mode", [0o755, 0o775, 0o777, 0o1777, 0o2775])
@pytest.mark.parametrize("names", [(), OURS], ids=["empty", "ours"])
def test_a_folder_of_the_probe_alone_becomes_private(
    tmp_path: Path, names: tuple[str, ...], mode: int
) -> None:
    folder = filled(tmp_path / "data", names, mode)
    (folder / "lost+found").mkdir()
    (folder / "lost+found").chmod(0o755)
    assert check_data_folder(folder) == folder
    make_private(folder)
    found = rights(folder)
    assert found.pop("data") == oct(mode & 0o7700)
    assert found.pop("lost+found") == "0o755"
    assert set(found.values()) <= {"0o600"}


@pytest.mark.parametrize("other", ["notes.txt", ".bashrc", "other.db", "other.journal"])
def test_a_folder_that_holds_something_else_keeps_its_rights(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, other: str
) -> None:
    folder = filled(tmp_path / "data", (*OURS, other), 0o755)
    with caplog.at_level(logging.WARNING):
        make_private(check_data_folder(folder))
    found = rights(folder)
    assert (found.pop("data"), found.pop(other)) == ("0o755", "0o644")
    assert set(found.values()) == {"0o600"}
    (line,) = caplog.messages
    assert "set PROBE_DATA to a folder of its own" in line
    assert str(folder) in line


async def test_a_folder_with_the_laboratorys_temporary_files_becomes_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the image temporary files are in the data folder."""
    folder = filled(tmp_path / "data", OURS, 0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    async with Lab(certificate="valid"):
        assert len(rights(folder)) > len(OURS) + 1
        make_private(check_data_folder(folder))
        assert rights(folder)["data"] == "0o700"


@pytest.mark.skipif(os.geteuid() != 0, reason="files of others need root")
def test_what_belongs_to_another_user_keeps_its_rights(tmp_path: Path) -> None:
    folder = filled(tmp_path / "data", OURS, 0o755)
    os.chown(folder, 12345, 12345)
    os.chown(folder / "history.sqlite", 12345, 12345)
    make_private(folder)
    found = rights(folder)
    assert (found["data"], found["history.sqlite"]) == ("0o755", "0o644")
    assert found["alerts.sqlite"] == "0o600"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("x")
    other.chmod(0o644)
    folder = filled(tmp_path / "data", (), 0o755)
    (folder / "alerts.sqlite").symlink_to(other)
    make_private(folder)
    assert oct(other.stat().st_mode & 0o777) == "0o644"


@pytest.mark.parametrize(
    "place",
    ["/", "/tmp", "/var/tmp", "/tmp/../tmp/", "/etc", "/root", "/dev/shm", "/var/lib", "//"],
)
def test_a_folder_of_the_system_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match=r"write a folder of its own, such as /.*probe"):
        check_data_folder(Path(place))


def test_a_link_to_a_folder_of_the_system_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to("/tmp")
    with pytest.raises(ValueError, match="is the system's"):
        check_data_folder(tmp_path / "data")


def test_a_folder_with_the_sticky_bit_and_files_of_others_is_refused(tmp_path: Path) -> None:
    folder = filled(tmp_path / "shared", ("notes.txt",), 0o1777)
    with pytest.raises(ValueError, match="all users may write to"):
        check_data_folder(folder)


@pytest.mark.parametrize("made", ["file", "link", "device"])
def test_what_is_not_a_folder_is_refused(tmp_path: Path, made: str) -> None:
    path = tmp_path / "data"
    (tmp_path / "file").touch()
    if made == "link":
        path.symlink_to(tmp_path / "file")
    path = {"file": tmp_path / "file", "link": path, "device": Path("/dev/null")}[made]
    with pytest.raises(ValueError, match="is not a folder: write a folder"):
        check_data_folder(path)


def test_a_folder_that_is_not_there_yet_is_taken(tmp_path: Path) -> None:
    assert check_data_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"


@pytest.mark.parametrize("variable", ["PROBE_DATA", "PROBE_JOURNAL"])
async def test_the_commands_name_variable_place_and_remedy(tmp_path: Path, variable: str) -> None:
    before = os.stat("/tmp").st_mode
    env = {variable: "/tmp", "BACKEND_URL": "http://127.0.0.1:9"}
    done = await probe("check-config", cwd=tmp_path, env=env, fork=False)
    assert done.code == 64
    assert f"{variable} (environment): /tmp is the system's" in done.err
    assert "such as /tmp/probe" in done.err
    assert os.stat("/tmp").st_mode == before
