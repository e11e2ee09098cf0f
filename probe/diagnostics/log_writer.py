"""Writes log lines in a thread of its own, so that a pipe that is not read delays nothing.

Lines wait in a bounded queue. Lines beyond are dropped, counted, and reported in a line of their
own once lines are read again. Lines for a closed stream are lost without an error.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

MAX_LINES = 10_000
MAX_CHARACTERS = 4 << 20


class LogWriter:
    """``dropped_line`` makes the line that says how many were dropped."""

    def __init__(self, stream: TextIO, dropped_line: Callable[[int], str]) -> None:
        self._stream, self._dropped_line = stream, dropped_line
        self._descriptor = _descriptor_of(stream)
        self._lines: deque[str] = deque()
        self._characters = 0
        self._dropped = 0
        self._writing = False
        self._woken = threading.Condition()
        self.dropped = 0
        threading.Thread(target=self._work, name="log", daemon=True).start()

    def write(self, line: str) -> None:
        """Have a line written; never blocks."""
        with self._woken:
            full = len(self._lines) >= MAX_LINES or self._characters + len(line) > MAX_CHARACTERS
            if full:
                self.dropped += 1
                self._dropped += 1
                return
            self._lines.append(line)
            self._characters += len(line)
            self._woken.notify()

    def flush(self, seconds: float) -> None:
        """Wait until all is written, for so many seconds at most."""
        end = time.monotonic() + seconds
        with self._woken:
            while (self._lines or self._writing) and (left := end - time.monotonic()) > 0:
                self._woken.wait(min(left, 0.05))

    def _work(self) -> None:
        while True:
            with self._woken:
                self._writing = False
                while not self._lines:
                    self._woken.wait()
                lines = list(self._lines)
                self._lines.clear()
                self._characters = 0
                dropped, self._dropped = self._dropped, 0
                self._writing = True
            if dropped:
                lines.append(self._dropped_line(dropped))
            for line in lines:
                self._put(line)

    def _put(self, line: str) -> None:
        try:
            if self._descriptor is None:
                self._stream.write(line + "\n")
                self._stream.flush()
            else:
                _write(self._descriptor, (line + "\n").encode("utf-8", "backslashreplace"))
        except (OSError, ValueError):  # closed, broken, or on a full disk
            return


def _descriptor_of(stream: TextIO) -> int | None:
    """Where a stream leads to, for writing past its buffer: whoever hangs in there holds a
    lock that the end of the interpreter wants to have."""
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
