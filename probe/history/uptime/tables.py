"""The tables of aggregates, and of what they are made from besides the results.

``subjects`` are checks, providers and services. A row of ``hours`` and ``days`` has the subject and
the hour or day in its id (:func:`row_id`), so that one tree holds and finds it: milliseconds by
state, how many runs there were by verdict, and three values of the plotted signal. ``stops`` are
moments at which the probe ended, ``holds`` for how many seconds a result of a check holds from
a moment on, ``marks`` single numbers by name.
"""

from collections.abc import Callable, Mapping

from probe.storage.salvage import Row

_AGGREGATE = (
    "id INTEGER PRIMARY KEY, up INTEGER NOT NULL, degraded INTEGER NOT NULL,"
    " down INTEGER NOT NULL, unknown INTEGER NOT NULL, runs INTEGER NOT NULL,"
    " failed INTEGER NOT NULL, unmeasured INTEGER NOT NULL,"
    " median REAL, p95 REAL, greatest REAL"
)
AGGREGATE_COLUMNS = (
    "id, up, degraded, down, unknown, runs, failed, unmeasured, median, p95, greatest"
)
TABLES: Mapping[str, str] = {
    "marks": "CREATE TABLE marks (name TEXT PRIMARY KEY, value REAL NOT NULL)",
    "stops": "CREATE TABLE stops (at REAL PRIMARY KEY)",
    "holds": "CREATE TABLE holds (check_name TEXT NOT NULL, since REAL NOT NULL,"
    " seconds REAL NOT NULL, PRIMARY KEY (check_name, since))",
    "subjects": "CREATE TABLE subjects (id INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
    " name TEXT NOT NULL, UNIQUE (kind, name))",
    "late_hours": "CREATE TABLE late_hours (hour INTEGER PRIMARY KEY)",
    "hours": f"CREATE TABLE hours ({_AGGREGATE})",
    "days": f"CREATE TABLE days ({_AGGREGATE})",
}
INDEXES = (
    "CREATE INDEX IF NOT EXISTS entries_by_check ON entries (check_id, at, status, verdict)",
)
REQUIRED = (
    "SELECT name, value FROM marks LIMIT 0",
    "SELECT at FROM stops LIMIT 0",
    "SELECT check_name, since, seconds FROM holds LIMIT 0",
    "SELECT id, kind, name FROM subjects LIMIT 0",
    "SELECT hour FROM late_hours LIMIT 0",
    f"SELECT {AGGREGATE_COLUMNS} FROM hours LIMIT 0",
    f"SELECT {AGGREGATE_COLUMNS} FROM days LIMIT 0",
    "SELECT at FROM entries INDEXED BY entries_by_check WHERE check_id = 0 LIMIT 1",
)
# Hours since 1970 take 19 bits until 2029 and 20 until 2089.
_PLACE_BITS = 24
MAX_PLACES = 1 << _PLACE_BITS


def row_id(subject: int, place: int) -> int:
    """The id of a row of ``hours`` or ``days``; ``place`` counts hours or days since 1970."""
    return (subject << _PLACE_BITS) | place


def _is_aggregate(row: Row) -> bool:
    whole = all(isinstance(each, int) and each >= 0 for each in row[:8])
    return whole and all(each is None or isinstance(each, float) for each in row[8:])


IS_VALID: Mapping[str, Callable[[Row], bool]] = {
    "marks": lambda row: isinstance(row[0], str) and isinstance(row[1], float),
    "stops": lambda row: isinstance(row[0], float),
    "holds": lambda row: isinstance(row[0], str) and isinstance(row[2], float),
    "subjects": lambda row: isinstance(row[0], int) and isinstance(row[2], str),
    "hours": _is_aggregate,
    "days": _is_aggregate,
}
