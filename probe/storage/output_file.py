"""Files that people name: a report that can't be written leaves what was there before.

A regular file is replaced as a whole by one that is written next to it; through a symlink, the
file that it leads to. What can't be replaced is written in its place: a file in a folder that is
read-only, or one that is mounted by itself. Pipes and devices are written to, and the program's
own streams (``/dev/stdout``) are not opened anew, which would overwrite what was printed.
"""

import errno
import os
import re
import stat
import sys
from contextlib import suppress
from pathlib import Path

from probe.storage.atomic import replace_with

_STREAM = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,9})")
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
# A new one can't be made there, or can't take the place of the old one.
_IN_PLACE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV}


def output_problem(path: Path) -> str:
    """Why a file can't be written, as far as that is known beforehand; empty if it can."""
    if _stream_of(path) is not None:
        return ""
    folder = Path(os.path.realpath(path)).parent
    if path.is_dir():
        return "is a folder"
    if path.exists():
        return "" if os.access(path, os.W_OK) else "can't be written: read-only, or no permission"
    if not folder.is_dir():
        return f"there is no folder {folder if path.is_symlink() else path.parent}"
    if os.access(folder, os.W_OK):
        return ""
    return f"can't be written: {folder} is read-only, or gives no permission"


def write_output(path: Path, text: bytes, *, mode: int | None = None) -> None:
    """Write a whole file. ``mode`` is for one that is new, by default what the umask allows.

    Raises OSError; then a file that was there has its old content. A pipe without a reader is an
    error, too.
    """
    stream = _stream_of(path)
    if stream is not None:
        _flush_streams()
        _write_all(stream, text)
        return
    try:
        known = os.stat(path)
    except FileNotFoundError:
        known = None
    real = Path(os.path.realpath(path))
    if known is None:
        replace_with(real, text, lambda file: os.fchmod(file, _new_mode(mode)))
    elif stat.S_ISDIR(known.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    elif not stat.S_ISREG(known.st_mode):
        _write_special(path, text)
    else:
        _replace(path, real, text, known)


def append_output(path: Path, text: bytes, limit: int) -> bool:
    """Append to a file, which is made if there is none; whether it stays below ``limit`` bytes,
    otherwise nothing is appended. Raises OSError; then the file ends as before."""
    file = _opened(path, os.O_APPEND | os.O_CREAT)
    try:
        known = os.fstat(file)
        if known.st_size + len(text) > limit:
            return False
        try:
            _write_all(file, text)
        except OSError:
            if stat.S_ISREG(known.st_mode):
                os.ftruncate(file, known.st_size)
            raise
    finally:
        os.close(file)
    return True


def _replace(path: Path, real: Path, text: bytes, known: os.stat_result) -> None:
    def prepare(file: int) -> None:
        with suppress(OSError):
            os.fchown(file, known.st_uid, known.st_gid)
        os.fchmod(file, stat.S_IMODE(known.st_mode))

    try:
        if not os.path.samestat(known, os.stat(real)):
            raise FileNotFoundError  # it was deleted, and is open only
        replace_with(real, text, prepare)
    except OSError as error:
        if error.errno not in _IN_PLACE and not isinstance(error, FileNotFoundError):
            raise
        _overwrite(path, text)


def _overwrite(path: Path, text: bytes) -> None:
    """Claim the room first: what is there must not be lost to a full disk."""
    file = _opened(path)
    try:
        size = os.fstat(file).st_size
        if len(text) > size:
            try:
                os.posix_fallocate(file, size, len(text) - size)
            except OSError:
                os.ftruncate(file, size)
                raise
        _write_all(file, text)
        os.ftruncate(file, len(text))
        os.fsync(file)
    finally:
        os.close(file)


def _write_special(path: Path, text: bytes) -> None:
    file = _opened(path)
    try:
        _write_all(file, text)
    finally:
        os.close(file)


def _write_all(file: int, text: bytes) -> None:
    left = memoryview(text)
    while left:
        left = left[os.write(file, left) :]


def _opened(path: Path, more: int = 0) -> int:
    """Without waiting for a reader of a named pipe, which may never come. Raises OSError."""
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | more
    try:
        file = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nothing reads from it") from None
        raise
    os.set_blocking(file, True)
    return file


def _new_mode(mode: int | None) -> int:
    if mode is not None:
        return mode
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _stream_of(path: Path) -> int | None:
    """The open file that a path stands for; stdout also where it is the very file."""
    name = str(path)
    if found := _STREAM.fullmatch(name):
        return int(found[1])
    if name in _STREAMS:
        return _STREAMS[name]
    for number in _STREAMS.values():
        with suppress(OSError):
            if os.path.samestat(os.stat(path), os.fstat(number)) and _is_written(number):
                return number
    return None


def _is_written(number: int) -> bool:
    """Not /dev/null, which is what a closed stream is replaced with, read-only."""
    return not stat.S_ISCHR(os.fstat(number).st_mode)


def _flush_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError):
            stream.flush()
