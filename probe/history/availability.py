"""How long each check passed, failed and was not measured, in a stretch of time.

Weighted by time, not by runs: a failing check runs more often.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping

from probe.core.model import Status
from probe.history.database import Unreadable
from probe.history.model import Availability
from probe.history.rows import STATUSES, check_names

# A result holds until the next one begins, and no longer than its check allows.
_SECONDS = """
WITH longest AS (
  SELECT checks.id AS id, bounds.value AS most
  FROM json_each(:longest) AS bounds JOIN checks ON checks.name = bounds.key
), runs AS (
  SELECT check_id, status, at, lead(at) OVER (PARTITION BY check_id ORDER BY at, id) AS next
  FROM entries INDEXED BY entries_by_time WHERE at >= :start - :most AND at < :end
)
SELECT check_id, status,
  sum(max(0, min(coalesce(next, :end), at + most, :end) - max(at, :start)))
FROM runs JOIN longest ON longest.id = check_id GROUP BY check_id, status
"""


def availability(
    db: sqlite3.Connection, start: float, end: float, longest: Mapping[str, float]
) -> dict[str, Availability]:
    """Of the checks in ``longest``, which says for how many seconds a result of each holds when
    no other follows; only of those that have any."""
    bounds = {
        "start": start,
        "end": end,
        "most": max(longest.values(), default=0.0),
        "longest": json.dumps(dict(longest)),
    }
    names = check_names(db)
    seconds: defaultdict[str, dict[Status, float]] = defaultdict(dict)
    for check, status, spent in db.execute(_SECONDS, bounds):
        if check not in names or not 0 <= status < len(STATUSES):
            raise Unreadable("an entry makes no sense")
        seconds[names[check]][STATUSES[status]] = spent
    return {
        name: Availability(
            up=spent.get(Status.OK, 0.0),
            down=spent.get(Status.FAILED, 0.0),
            unknown=spent.get(Status.UNKNOWN, 0.0),
            total=end - start,
        )
        for name, spent in sorted(seconds.items())
        if sum(spent.values()) > 0
    }
