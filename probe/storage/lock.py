"""One daemon on a data folder: a lock that the kernel holds and drops with the process."""

import errno
import fcntl
import json
import logging
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from probe.storage.atomic import make_folder, replace_file

FILE = "daemon.json"
_TAKEN = {errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN}

logger = logging.getLogger(__name__)


class FolderInUse(Exception):
    """Another process holds the folder; the text says which, for people."""


class FolderLock:
    """Held from ``take`` until ``release`` or the end of the process.

    The folder itself is locked: files in it may be removed. A folder that can't be created or
    opened is not locked, and writing there will fail; a file system without locks is logged as a
    warning.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: int | None = None

    def take(self) -> None:
        """Raises FolderInUse."""
        try:
            make_folder(self._folder)
            handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            if error.errno in _TAKEN:
                raise FolderInUse(_owner(self._folder)) from None
            logger.warning(
                "%s is on a file system without locks (%s): make sure that no other probe uses it",
                self._folder,
                error.strerror,
            )
            return
        self._handle = handle
        self._sign()

    def release(self) -> None:
        """Release the lock; idempotent."""
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(OSError):
                os.close(handle)

    def _sign(self) -> None:
        """Write who holds the lock, for others."""
        text = json.dumps({"pid": os.getpid(), "started_at": time.time()})
        with suppress(OSError):
            replace_file(self._folder / FILE, f"{text}\n".encode())


def _owner(folder: Path) -> str:
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        pid = int(found["pid"])
        started = datetime.fromtimestamp(float(found["started_at"]), UTC)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return f"another probe uses {folder}"
    since = started.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"another probe uses {folder}: process {pid}, started {since}"
