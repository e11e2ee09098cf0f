"""A mapped file that is cut short ends in a new start where a storage thread reads it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, ctypes, mmap, os, signal, sys
from probe.storage.bus_error import BusErrorGuard
from probe.storage.thread import StorageThread

libc = ctypes.CDLL(None)

def fault():
    with open(sys.argv[1], "w+b") as file:
        file.truncate(8192)
        mapped = mmap.mmap(file.fileno(), 8192)
        address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
        file.truncate(0)
    # Without the interpreter's lock, as SQLite reads.
    libc.strlen(ctypes.c_void_p(address))

async def main():
    guard = BusErrorGuard(RESTART)
    guard.record = RECORD
    guard.start()
    await PLACE

if "again" in os.environ:
    print("again", os.environ["again"] == str(os.getpid()), sys.argv[2:])
    sys.exit(3)
os.environ["again"] = str(os.getpid())
asyncio.run(main())
"""
IN_STORAGE = "StorageThread('x').run(fault, seconds=60)"
IN_MAIN = "asyncio.sleep(fault())"


def run(
    tmp_path: Path, place: str, *, restart: str = "None", record: str = "lambda reason: True"
) -> tuple[int, str]:
    program = tmp_path / "program.py"
    text = PROGRAM.replace("PLACE", place).replace("RESTART", restart).replace("RECORD", record)
    program.write_text(text, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "mapped"), "an argument"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_a_fault_in_a_storage_thread_executes_the_program_again(tmp_path: Path) -> None:
    code, text = run(tmp_path, IN_STORAGE)
    assert code == 3, text
    assert "again True ['an argument']" in text
    assert "SIGBUS" in text


def test_a_fault_elsewhere_ends_the_process_as_without_a_guard(tmp_path: Path) -> None:
    code, _ = run(tmp_path, IN_MAIN)
    assert code == -signal.SIGBUS


@pytest.mark.parametrize(
    ("restart", "record"),
    [
        ("None", "lambda reason: False"),
        ("lambda: os.execv('/does/not/exist', ['x'])", "lambda reason: True"),
    ],
)
def test_a_process_that_may_not_or_cannot_start_anew_ends(
    tmp_path: Path, restart: str, record: str
) -> None:
    code, text = run(tmp_path, IN_STORAGE, restart=restart, record=record)
    assert code == -signal.SIGKILL, text


def test_a_record_that_hangs_or_fails_delays_the_new_start_only_briefly(tmp_path: Path) -> None:
    code, text = run(tmp_path, IN_STORAGE, record="lambda reason: __import__('time').sleep(99)")
    assert code == 3, text
