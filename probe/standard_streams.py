"""Standard streams that are closed, full, or have no reader any more."""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from probe.exit_codes import DEFECT, OUTPUT_ERROR


def open_standard_streams() -> None:
    """Open /dev/null for each standard stream that is closed: otherwise the next file or socket
    would get its number, and whatever is printed would be written there."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        stream = getattr(sys, name)
        if number and isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
            # A code page of Windows, or ASCII: a sign that it lacks is no reason to say nothing.
            stream.reconfigure(errors="replace")
        if stream is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))


def say(text: str) -> None:
    """One line on stderr, if it can be written."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def is_of_output(error: OSError) -> bool:
    """Whether printing raised it, which is no defect; says so on stderr."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    # click.echo is how everything is printed.
    if trace is None or trace.tb_frame.f_globals.get("__name__") != "click.utils":
        return False
    say(f"probe: the output can't be written: {error.strerror}")
    return True


def finish_output(stdout: TextIO, code: int) -> int:
    """Write what is still buffered, and the exit code of the process: 74 in the place of 0 and of
    a defect where it can't be written. The interpreter's own attempt would end with 120.

    ``stdout`` is the stream from before the command; click replaces one whose reader has gone.
    """
    with suppress(ValueError):
        try:
            sys.stderr.flush()
        except OSError:
            _discard(sys.stderr)
    failure = OSError(errno.EPIPE, os.strerror(errno.EPIPE)) if sys.stdout is not stdout else None
    try:
        stdout.flush()
    except OSError as error:
        failure = error
    except ValueError:
        return code  # closed by the command itself
    if failure is None:
        return code
    replaced, sys.stdout = sys.stdout is not stdout, stdout
    _discard(stdout)
    if not replaced and code not in (0, DEFECT):
        return code
    if failure.errno != errno.EPIPE:
        # A reader that wants the first lines only (head) gets no error.
        say(f"probe: the output can't be written: {failure.strerror}")
    return OUTPUT_ERROR


def _discard(stream: TextIO) -> None:
    """What is still buffered would fail once more when the interpreter ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
