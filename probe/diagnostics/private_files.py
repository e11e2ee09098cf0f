"""History, alerts and silences are readable by their owner alone, whatever the umask."""

import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

UMASK = 0o077
_OF_OTHERS = 0o077


def create_privately() -> None:
    """Create files with mode 600 and folders with 700 from now on."""
    os.umask(UMASK)


def make_private(folder: Path) -> None:
    """Take the rights of others from a data folder and the files that are in it already."""
    try:
        entries = [folder, *folder.iterdir()] if folder.is_dir() else []
        for path in entries:
            mode = path.stat(follow_symlinks=False).st_mode
            if mode & _OF_OTHERS and not path.is_symlink():
                path.chmod(mode & 0o7777 & ~_OF_OTHERS)
    except OSError as error:
        logger.warning("%s stays readable by others: %s", folder, error.strerror)
