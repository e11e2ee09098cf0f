"""One process at a time has a data folder, and the other one learns which."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from probe.storage.lock import FolderInUse, FolderLock

HOLD = """
import sys
from pathlib import Path
from probe.storage.lock import FolderLock
FolderLock(Path(sys.argv[1])).take()
print("held", flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).parent.parent.parent


def test_the_second_one_is_refused_with_the_first_ones_pid(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(FolderInUse, match=f"process {holder.pid}, started 20"):
            FolderLock(tmp_path).take()
        for path in tmp_path.iterdir():
            os.unlink(path)
        with pytest.raises(FolderInUse, match="another probe uses"):
            FolderLock(tmp_path).take()
        holder.kill()
        holder.wait()
    lock = FolderLock(tmp_path)
    lock.take()
    lock.release()


def test_a_folder_that_cant_be_made_is_no_ones(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    FolderLock(tmp_path / "file" / "data").take()
