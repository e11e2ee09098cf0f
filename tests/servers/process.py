"""A server's process: started, awaited until it answers, ended; by its handle only."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

Process = subprocess.Popen[bytes]


def wait_until(ready: Callable[[], bool], process: Process, log: Path, *, within: float) -> None:
    """Returns when `ready()`; raises RuntimeError with the log if the process ends or is late."""
    deadline = time.monotonic() + within
    while not ready():
        if _ended(process, within=0.02) or time.monotonic() > deadline:
            stop(process)
            raise RuntimeError(f"{process.args!r} did not get ready:\n{log.read_text()}")


def stop(process: Process) -> None:
    """Ends the process, by force if it takes more than five seconds."""
    if process.stdin:
        process.stdin.close()
    process.terminate()
    if not _ended(process, within=5):
        process.kill()
        process.wait()


def _ended(process: Process, *, within: float) -> bool:
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True
