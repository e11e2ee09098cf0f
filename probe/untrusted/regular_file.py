"""Files that people name: what is no regular file, or has no end, is refused instead of read."""

import os
import stat
from pathlib import Path


def read_regular(path: Path, limit: int) -> str:
    """The text of a regular file of at most ``limit`` bytes, without a byte order mark and with
    plain line ends. Raises OSError, UnicodeDecodeError."""
    # Not to wait for a writer, should it be a named pipe.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("it is not a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(f"it is larger than {limit} bytes")
    return data.decode("utf-8-sig").replace("\r\n", "\n")


def reason(error: OSError | UnicodeDecodeError) -> str:
    """Why such a file can't be read, for people; its text is not repeated."""
    if isinstance(error, UnicodeDecodeError):
        if error.object.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "it is UTF-16 text: save it as UTF-8"
        line = error.object.count(b"\n", 0, error.start) + 1
        return f"it is not UTF-8 text (at line {line}): save it as UTF-8"
    return error.strerror or str(error) or "it can't be read"
