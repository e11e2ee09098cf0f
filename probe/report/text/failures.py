"""Failures of a run, one block for each cause."""

import re
from collections.abc import Sequence

from probe.core.model import Status
from probe.report.model import ReportRow
from probe.report.text.sanitize import clean
from probe.untrusted.text import listed

MAX_NAMES, MAX_MESSAGES = 12, 4
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:(//)?", re.IGNORECASE)
_PORT = re.compile(r":\d+$")


def by_cause(rows: Sequence[ReportRow]) -> list[list[ReportRow]]:
    """Rows that failed, or could not be measured, for one cause at one host; in the order of the
    first of each. Those that did not fail are left out."""
    found: dict[tuple[Status, str, str], list[ReportRow]] = {}
    for row in rows:
        failure = row.result.failure
        if failure is not None:
            key = (row.result.status, failure.cause.value, host_of(row.target))
            found.setdefault(key, []).append(row)
    return list(found.values())


def where(rows: Sequence[ReportRow]) -> str:
    """Which checks failed, in which phase, and the cause."""
    failures = [row.result.failure for row in rows if row.result.failure is not None]
    phases = dict.fromkeys(clean(failure.phase) for failure in failures)
    ending = "failed" if rows[0].result.status is Status.FAILED else "not measured"
    names = [clean(row.name) for row in rows]
    phase = "phase" if len(phases) == 1 else "phases"
    cause = failures[0].cause.value
    return f"{listed(names, MAX_NAMES)} {ending}: {phase} {', '.join(phases)}, cause {cause}"


def messages(rows: Sequence[ReportRow]) -> list[str]:
    """Each message once; of several, with the checks that it is of."""
    by_message: dict[str, list[str]] = {}
    for row in rows:
        if row.result.failure is not None:
            by_message.setdefault(clean(row.result.failure.message), []).append(clean(row.name))
    if len(by_message) == 1:
        return list(by_message)
    shown = [
        f"{', '.join(names[:MAX_NAMES])}: {message}"
        for message, names in list(by_message.items())[:MAX_MESSAGES]
    ]
    more = len(by_message) - MAX_MESSAGES
    return [*shown, *([f"and {more} more messages: --format json has all"] if more > 0 else [])]


def host_of(target: str) -> str:
    """Without scheme, port and path: the services of one machine fail together."""
    place = _SCHEME.sub("", target).partition("/")[0].partition("?")[0]
    return _PORT.sub("", place) or target
