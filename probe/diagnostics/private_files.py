"""History, alerts and silences are readable by their owner alone, whatever the umask.

Rights are taken from others only on what is the probe's: its files by their names, and a folder
that holds nothing else and belongs to the user that the probe runs as.
"""

import errno
import logging
import os
import stat
from fnmatch import fnmatchcase
from pathlib import Path

logger = logging.getLogger(__name__)

UMASK = 0o077
_OF_OTHERS = 0o077
# What the probe keeps in PROBE_DATA and PROBE_JOURNAL, its temporary files, which are there too in
# the image (TMPDIR), and what a new file system begins with.
_NAMES = (
    *("*.sqlite*", "salvage-*", "open-incidents.*.journal"),
    *("daemon.json", "starts.json", "watch.json", "secret_fingerprints.json"),
    *("probe-lab-*", "probe-tls-*"),
    *(".daemon.json.*", ".starts.json.*", ".watch.json.*", ".secret_fingerprints.json.*"),
)
_LOST_AND_FOUND = "lost+found"
# The folders of the Filesystem Hierarchy Standard 3.0 that others share.
_SHARED = frozenset(
    Path("/", name)
    for name in (
        *("", "bin", "boot", "dev", "dev/shm", "etc", "home", "lib", "lib64"),
        *("media", "mnt", "opt", "proc", "root", "run", "run/lock", "sbin", "srv", "sys", "tmp"),
        *("usr", "usr/bin", "usr/lib", "usr/local", "usr/share", "var", "var/cache", "var/lib"),
        *("var/lock", "var/log", "var/mail", "var/opt", "var/run", "var/spool", "var/tmp"),
    )
)


def create_privately() -> None:
    """Create files with mode 600 and folders with 700 from now on."""
    os.umask(UMASK)


def check_data_folder(path: Path) -> Path:
    """The path. Raises ValueError for a folder that the system or all of its users share.

    Whoever may write to a folder that has the sticky bit (``/tmp``) can put a link in the place of
    a file that isn't there yet.
    """
    real = Path(os.path.realpath(path))
    example = real / "probe"
    if real in _SHARED:
        raise ValueError(f"{path} is the system's: write a folder of its own, such as {example}")
    if os.path.exists(real) and not os.path.isdir(real):
        raise ValueError(f"{path} is not a folder: write a folder of its own")
    try:
        mode = real.stat().st_mode
        open_to_all = stat.S_ISDIR(mode) and mode & stat.S_ISVTX and mode & stat.S_IWOTH
        if open_to_all and not _holds_nothing_else(real):
            raise ValueError(
                f"all users may write to {path}, and it holds files that are not the probe's: "
                f"write a folder of its own, such as {example}"
            )
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ValueError("the name is too long: write a folder of its own") from None
        # Not there yet, or not ours to see: opening it says why.
    return path


def unwritable(folder: Path) -> str:
    """Why the user of this process can't keep files in a folder, as far as that is known before it
    is tried; empty if nothing speaks against it. One that is missing is made, with its parents."""
    reason = f"read-only, or no permission for user {os.geteuid()}"
    if folder.is_symlink() and not os.path.exists(folder):
        return f"{folder} can't be made: it is a link that leads nowhere"
    place = nearest(folder)
    if not os.path.isdir(place):
        return f"{folder} can't be made: {place} is not a folder"
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        if place == folder:
            return f"{folder} can't be written: {reason}"
        return f"{folder} can't be made: {place} is {reason}"
    names = sorted(os.listdir(place)) if place == folder else []
    for path in (folder / name for name in names if _is_of_probe(name)):
        if not os.access(path, os.R_OK | os.W_OK):
            return f"{path} can't be written: {reason}"
    return ""


def nearest(path: Path) -> Path:
    """What there is of a path: itself, or the nearest of its parents."""
    return next((each for each in (path, *path.parents) if os.path.exists(each)), path)


def make_private(folder: Path) -> None:
    """Take the rights of others from the probe's files in a data folder, and from the folder if it
    holds nothing else. What isn't the probe's keeps its rights."""
    try:
        if not folder.is_dir():
            return
        for path in folder.iterdir():
            if _is_of_probe(path.name):
                _restrict(path)
        if _holds_nothing_else(folder):
            _restrict(folder)
        elif folder.stat().st_mode & _OF_OTHERS:
            logger.warning(
                "%s can be opened by others, and holds files that are not the probe's: its rights "
                "are left as they are; set PROBE_DATA to a folder of its own",
                folder,
            )
    except OSError as error:
        logger.warning("%s stays readable by others: %s", folder, error.strerror)


def _is_of_probe(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in _NAMES)


def _holds_nothing_else(folder: Path) -> bool:
    """Whether a folder is empty or has the probe's files alone."""
    names = (path.name for path in folder.iterdir())
    return all(name == _LOST_AND_FOUND or _is_of_probe(name) for name in names)


def _restrict(path: Path) -> None:
    found = path.stat(follow_symlinks=False)
    if stat.S_ISLNK(found.st_mode) or not found.st_mode & _OF_OTHERS:
        return
    if found.st_uid != os.geteuid():
        logger.warning("%s stays readable by others: it belongs to another user", path)
        return
    path.chmod(found.st_mode & 0o7777 & ~_OF_OTHERS)
