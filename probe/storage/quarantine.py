"""Database files that can't be read: renamed with their companions, the newest kept."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

MAX_QUARANTINED = 2
# SQLite's own companions of a database file. They go first: left behind, the log of the old
# file would be taken for that of the new one.
COMPANIONS = ("-wal", "-shm")

logger = logging.getLogger(__name__)


def quarantine(path: Path, pattern: str, now: float) -> Path:
    """Rename a database file and its companions; returns the new path.

    Of all that were quarantined the newest two are kept. Raises OSError if the file can't be
    renamed.
    """
    aside = _free_name(path, pattern, now)
    for suffix in COMPANIONS:
        companion = _companion(path, suffix)
        if companion.exists():
            companion.rename(_companion(aside, suffix))
    path.rename(aside)
    _forget_older(aside, pattern)
    return aside


def _free_name(path: Path, pattern: str, now: float) -> Path:
    moment = datetime.fromtimestamp(now, UTC)
    while True:
        name = pattern.replace("*", moment.strftime("%Y%m%dT%H%M%SZ"))
        if not (path.parent / name).exists():
            return path.parent / name
        moment += timedelta(seconds=1)


def _forget_older(newest: Path, pattern: str) -> None:
    others = [path for path in newest.parent.glob(pattern) if path != newest]
    # Renaming sets the change time; names carry the probe's clock, which may have jumped.
    others.sort(key=lambda path: path.lstat().st_ctime_ns, reverse=True)
    for path in others[MAX_QUARANTINED - 1 :]:
        try:
            for each in (*(_companion(path, suffix) for suffix in COMPANIONS), path):
                each.unlink(missing_ok=True)
        except OSError as error:  # a folder, say: what is in it is not ours
            logger.info("%s stays: %s", path, error)


def _companion(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
