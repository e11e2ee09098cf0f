"""History: what was found, kept in SQLite within bounds, for restarts and for looking back.

``history`` is what others use; it gives all work with SQLite to one thread. There the
``keeper`` holds the database, copes with files that can't be read or written, and keeps
within ``bounds``; ``rows``, ``questions`` and ``spells`` know what is in the tables.
"""

from probe.history.history import History
from probe.history.retention import MEMORY_BOUNDS, Retention
from probe.history.state import HistoryState

__all__ = ["MEMORY_BOUNDS", "History", "HistoryState", "Retention"]
