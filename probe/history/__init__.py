"""History: results in SQLite, with bounded retention, for restarts and the status page.

``history`` is the interface; it runs all work with SQLite in one thread. There the ``store`` holds
the database, handles files that can't be read or written, and applies ``retention``; ``rows``,
``queries`` and ``periods`` know the tables.
"""

from probe.history.history import History
from probe.history.retention import MEMORY_BOUNDS, Retention
from probe.history.state import HistoryState

__all__ = ["MEMORY_BOUNDS", "History", "HistoryState", "Retention"]
