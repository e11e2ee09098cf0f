"""A file that people name is written as a whole, or keeps what it had and the error says why."""

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from probe.storage.output_file import append_output, output_problem, write_output

OLD, NEW = b"old\n", b"new" * 50_000
ROOT_ALONE = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@contextmanager
def limited(size: int) -> Iterator[None]:
    """No file of this process may become larger: a write fails as on a full disk, halfway."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_new_file_has_the_mode_that_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_output(tmp_path / "a", NEW)
        write_output(tmp_path / "b", NEW, mode=0o644)
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in "ab"] == [0o640, 0o644]
    assert (tmp_path / "a").read_bytes() == NEW


@pytest.mark.parametrize("old", [OLD, b""])
def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path, old: bytes) -> None:
    path = tmp_path / "report"
    path.write_bytes(old)
    path.chmod(0o600)
    write_output(path, NEW, mode=0o644)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (NEW, 0o600)
    assert os.listdir(tmp_path) == ["report"]


@ROOT_ALONE
def test_a_full_disk_keeps_the_old_content(tiny: Path) -> None:
    path = tiny / "report"
    path.write_bytes(OLD)
    with pytest.raises(OSError, match="No space left on device"):
        write_output(path, NEW)
    with pytest.raises(OSError, match="No space left on device"):
        append_output(path, NEW, 1 << 20)
    assert path.read_bytes() == OLD
    assert os.listdir(tiny) == ["report"]


def test_a_limit_of_file_sizes_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_bytes(OLD)
    with limited(4096):
        with pytest.raises(OSError, match="File too large"):
            write_output(path, NEW)
        with pytest.raises(OSError, match="File too large"):
            append_output(path, NEW, 1 << 20)
        with pytest.raises(OSError, match="File too large"):
            write_output(tmp_path / "new", NEW)
    assert path.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["report"]


def test_a_symlink_stays_one(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link, target = tmp_path / "link", tmp_path / "folder" / "target"
    link.symlink_to(target)
    assert output_problem(link) == ""
    for _ in range(2):  # it leads nowhere at first
        write_output(link, NEW)
        assert link.is_symlink()
        assert target.read_bytes() == NEW
    assert os.listdir(tmp_path / "folder") == ["target"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(tmp_path / "no" / "target")
    assert output_problem(elsewhere) == f"there is no folder {tmp_path / 'no'}"
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    with pytest.raises(OSError, match="Too many levels"):
        write_output(circle, NEW)


def test_what_can_not_be_written_is_said_beforehand(tmp_path: Path) -> None:
    assert output_problem(tmp_path / "new") == ""
    assert output_problem(tmp_path) == "is a folder"
    assert output_problem(tmp_path / "no" / "x") == f"there is no folder {tmp_path / 'no'}"
    for name in ("/dev/stdout", "/dev/fd/7", "/dev/null"):
        assert output_problem(Path(name)) == ""
    with pytest.raises(OSError, match="Is a directory"):
        write_output(tmp_path, NEW)
    with pytest.raises(OSError, match="No such file"):
        write_output(tmp_path / "no" / "x", NEW)


def test_the_longest_name_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / ("ü" * 127)
    for text in (OLD, NEW):
        write_output(path, text)
    assert path.read_bytes() == NEW


@ROOT_ALONE
@pytest.mark.parametrize("fits", [True, False])
def test_a_file_that_is_mounted_by_itself_is_written_in_its_place(
    tmp_path: Path, tiny: Path, fits: bool
) -> None:
    """As a container's volume of one file: it can't be replaced (EBUSY)."""
    path, inner = tmp_path / "report", tiny / "report"
    path.touch()
    inner.write_bytes(OLD * 10)
    subprocess.run(["mount", "--bind", str(inner), str(path)], check=True)
    try:
        if fits:
            write_output(path, OLD)
        else:
            with pytest.raises(OSError, match="No space left on device"):
                write_output(path, NEW)
        assert inner.read_bytes() == (OLD if fits else OLD * 10)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@ROOT_ALONE
def test_a_folder_that_is_read_only_keeps_its_files_and_gets_none(tiny: Path) -> None:
    path = tiny / "report"
    path.write_bytes(OLD)
    subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=True)
    assert output_problem(path) == "can't be written: read-only, or no permission"
    said = f"can't be written: {tiny} is read-only, or gives no permission"
    assert output_problem(tiny / "new") == said
    for each in (path, tiny / "new"):
        with pytest.raises(OSError, match="Read-only file system"):
            write_output(each, NEW)
    assert path.read_bytes() == OLD


def test_a_pipe_gets_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    got = bytearray()

    def read() -> None:
        while piece := os.read(reader, 65536):
            got.extend(piece)

    thread = threading.Thread(target=read)
    # The pipe has an end only once it had a writer.
    keeper = os.open(path, os.O_WRONLY)
    thread.start()
    write_output(path, NEW)
    os.close(keeper)
    thread.join(60)
    os.close(reader)
    assert bytes(got) == NEW


def test_a_pipe_that_nothing_reads_from_holds_no_one(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    for write in (lambda: write_output(path, NEW), lambda: append_output(path, NEW, 1 << 20)):
        with pytest.raises(OSError, match="nothing reads from it"):
            write()


@pytest.mark.parametrize(("device", "error"), [("/dev/null", ""), ("/dev/full", "No space")])
def test_a_device_stays_one(device: str, error: str) -> None:
    before = os.stat(device)
    if error:
        with pytest.raises(OSError, match=error):
            write_output(Path(device), NEW)
    else:
        write_output(Path(device), NEW)
    assert os.stat(device).st_rdev == before.st_rdev


_PROGRAM = """
import os, sys
from pathlib import Path
from probe.storage.output_file import write_output
sys.stdout.write("before\\n")
write_output(Path(sys.argv[1]), b"report\\n")
sys.stdout.write("after\\n")
"""


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link", "out"])
def test_the_own_stdout_is_written_on(tmp_path: Path, name: str) -> None:
    """It is a regular file here, which would be replaced or overwritten."""
    (tmp_path / "link").symlink_to("/dev/stdout")
    with (tmp_path / "out").open("wb") as out:
        command = [sys.executable, "-c", _PROGRAM, name]
        subprocess.run(
            command,
            check=True,
            stdout=out,
            cwd=tmp_path,
            env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": os.environ["PATH"]},
        )
    assert (tmp_path / "out").read_bytes() == b"before\nreport\nafter\n"
    assert (tmp_path / "link").is_symlink()


def test_nothing_is_appended_beyond_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    assert append_output(path, b"12345", 8)
    assert not append_output(path, b"6789", 8)
    assert append_output(path, b"678", 8)
    assert path.read_bytes() == b"12345678"
