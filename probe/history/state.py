"""The state of history itself, for /metrics, the log and the status page."""

from msgspec import Struct


class HistoryState(Struct, frozen=True):
    """``persistent``: it survives a restart. ``problem`` is for people, empty if there is none.
    ``bytes`` is the size of file and write-ahead log, or memory. ``written`` and ``lost`` count
    entries since the start, ``waiting`` those in the queue."""

    persistent: bool
    problem: str
    bytes: int
    written: int
    lost: int
    waiting: int
