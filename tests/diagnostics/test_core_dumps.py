"""A process that has read secrets leaves no core file, not for a program of the system either."""

import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.command import environment
from tests.servers.ports import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prctl and /proc are Linux'")

PATTERN = Path("/proc/sys/kernel/core_pattern")


def started(folder: Path, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def forbids_core_files(process: subprocess.Popen[bytes]) -> bool:
    """Waits until it does, or has ended."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if resource.prlimit(process.pid, resource.RLIMIT_CORE) == (0, 0):
            return True
        time.sleep(0.01)
    return False


def crash(process: subprocess.Popen[bytes]) -> int:
    """Ended as by a fault of its memory."""
    process.send_signal(signal.SIGSEGV)
    process.communicate()
    return process.returncode


@pytest.mark.parametrize("arguments", [("--once",), ()], ids=["once", "daemon"])
def test_a_crash_leaves_no_core_file(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {
            "BACKEND_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "PROBE_LISTEN": f"127.0.0.1:{free_port()}",
            "JWT_SECRET": "a-secret-of-thirty-two-characters",
        }
        process = started(tmp_path, "-m", "probe", *arguments, **env)
        try:
            assert forbids_core_files(process)
            assert crash(process) == -signal.SIGSEGV
        finally:
            process.kill()
            process.communicate()
    assert list(tmp_path.glob("core*")) == []


def test_a_crash_of_another_program_leaves_one(tmp_path: Path) -> None:
    """So the test above can fail here."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    if PATTERN.read_text().startswith(("/", "|")) or most == 0:
        pytest.skip("core files go elsewhere on this machine, or are forbidden")
    process = started(tmp_path, "-c", "print('up', flush=True); input()")
    assert process.stdout is not None
    process.stdout.readline()
    resource.prlimit(process.pid, resource.RLIMIT_CORE, (most, most))
    assert crash(process) == -signal.SIGSEGV
    assert list(tmp_path.glob("core*")) != []


def test_a_program_of_the_system_gets_no_core_either(tmp_path: Path) -> None:
    """A limit of 0 doesn't hold where ``core_pattern`` is a pipe; PR_GET_DUMPABLE is 3."""
    script = (
        "import ctypes; from probe.diagnostics.core_dumps import forbid_core_dumps; "
        "get = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0); "
        "before = get(); forbid_core_dumps(); print(before, get())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["1", "0"], done.stderr
