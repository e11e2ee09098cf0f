"""How history itself stands, for /metrics, the log and the status page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HistoryState:
    """``persistent``: it survives a restart. ``problem`` is for people, empty when all is
    well. ``bytes`` is what it takes up: file and write-ahead log, or memory. ``written``
    and ``lost`` count entries since the start, ``waiting`` those that are yet to be
    written."""

    persistent: bool
    problem: str
    bytes: int
    written: int
    lost: int
    waiting: int
