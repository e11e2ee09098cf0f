"""SIGBUS in a storage thread: the process starts anew in place, and says why.

SQLite maps the index of its write-ahead log (``-shm``) into memory. Where another process cuts that
file short, the kernel sends SIGBUS to the thread that reads it, and the default ends the process.
Nothing can go on with the mapping; what is stored is whole, so the program is executed again under
the same process id. Other threads keep the default: SIGBUS is blocked there, and the kernel ends a
process in which a blocked one is raised by a fault (signal(7), sigprocmask(2)).
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

REASON = "SIGBUS: a file of the database was cut short while it was open"
# For the record of how the process ends; a disk that hangs delays the restart no longer.
RECORD_SECONDS = 2.0


def admit() -> None:
    """In a storage thread: a guard, if there is one, takes SIGBUS of this thread."""
    if _is_guarded():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGBUS})


def _is_guarded() -> bool:
    return hasattr(signal, "SIGBUS") and signal.getsignal(signal.SIGBUS) is _noted


def _noted(number: int, frame: object) -> None:
    """Python's own part: the interpreter has written the number to the pipe by then."""


class BusErrorGuard:
    """Starts the process anew. ``record`` is called with the reason first, and says whether to: a
    process that has been started often of late ends instead, for its supervisor to back off."""

    def __init__(self, restart: Callable[[], None] | None = None) -> None:
        self.record: Callable[[str], bool] = lambda reason: True
        self._restart = restart or execute_again
        self._reader = -1

    def start(self) -> None:
        """Call it in the main thread, before there are threads that store."""
        if not hasattr(signal, "SIGBUS"):
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGBUS})
        self._reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.signal(signal.SIGBUS, _noted)
        # The interpreter's handler writes the number of each signal; it needs no lock for that,
        # while the faulting thread runs into the same fault again and again.
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        threading.Thread(target=self._wait, name="bus errors", daemon=True).start()

    def _wait(self) -> None:
        while number := os.read(self._reader, 1):
            if number[0] == signal.SIGBUS:
                break
        with suppress(OSError):
            os.write(2, f"probe: {REASON}; starting anew\n".encode())
        allowed = [True]

        def record() -> None:
            allowed[0] = self.record(REASON)

        recording = threading.Thread(target=record, daemon=True)
        recording.start()
        recording.join(RECORD_SECONDS)
        if allowed[0]:
            with suppress(OSError):
                self._restart()
        # What the kernel does without a guard.
        os.kill(os.getpid(), signal.SIGKILL)


def execute_again() -> None:
    """Execute this program with its arguments in place of this process. Raises OSError."""
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606
