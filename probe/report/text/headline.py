"""Texts that status page, badge and title share.

Texts of a target's are cut here, and cleaned and escaped by whoever shows them.
"""

import math
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from probe.core.causes import Cause
from probe.core.model import Sample, Status, Unit, Verdict
from probe.history.model import TimeBucket
from probe.report.status import Notice, Overview, StatusRow
from probe.report.text.phrases import BREACHED, limit_sentence, without_objectives
from probe.report.text.sanitize import truncate
from probe.report.text.time_format import duration
from probe.report.text.units import plural, show, show_until

# By urgency: outages, then unknown checks, then warnings.
BROKEN = (Verdict.CRITICAL, Verdict.UNKNOWN, Verdict.WARNING)
NOT_RUN = "not run yet"
OUTDATED = "outdated"
MAX_NAME, MAX_TEXT = 120, 400
# A headline is short, so that details fit on the same screen.
_HEADLINE_NAME, _HEADLINE_TEXT = 50, 140

# Shorter gaps, in seconds, are not mentioned.
_MIN_GAP = 60.0
_PASSING = frozenset({Verdict.OK, Verdict.OBJECTIVE_MISSED})


class Headline(Struct, frozen=True):
    """The headline: what, since when, and what else there is."""

    verdict: Verdict
    text: str
    since: float | None = None
    more: str = ""


def headline(overview: Overview) -> Headline:
    """The worst problem, or how many checks pass."""
    verdict = without_objectives(overview.verdict)
    if verdict is Verdict.OK:
        return Headline(verdict, _all_passing(overview), more=_also(overview))
    rows = [row for row in broken(overview.rows) if row.verdict is verdict]
    notices = [notice for notice in overview.notices if notice.verdict is verdict]
    if notices and (since := _own_network(rows)) is not None:
        # One cause for all of them, and none of them is it.
        more = f"{plural(len(rows), 'check')} not measured"
        return replace(_of_notice(notices[0], verdict), since=since, more=more)
    if rows:
        return _of_row(rows[0], len(broken(overview.rows)) - 1)
    return _of_notice(notices[0], verdict) if notices else Headline(verdict, _waiting(overview))


def broken(rows: Iterable[StatusRow]) -> list[StatusRow]:
    """The failing and unknown checks, worst first, else in the order of the plan."""
    bad = [row for row in rows if row.verdict in BROKEN]
    return sorted(bad, key=lambda row: BROKEN.index(row.verdict or Verdict.UNKNOWN))


def problem(row: StatusRow) -> str:
    """The problem of a check, in one sentence; empty if there is none or it is unknown."""
    if row.failure is not None:
        message = row.failure.message or row.failure.cause.value
        unseen = row.status is Status.UNKNOWN
        return truncate(f"could not be measured: {message}" if unseen else message, MAX_TEXT)
    if row.verdict not in BROKEN:
        return ""
    return truncate("; ".join(breaches(row, BREACHED)) or _ongoing_incident(row), MAX_TEXT)


def breaches(row: StatusRow, verdicts: Iterable[Verdict]) -> list[str]:
    """The limits that a check misses with these verdicts, in their order."""
    return [
        truncate(limit_sentence(evaluation), MAX_TEXT)
        for verdict in verdicts
        for evaluation in row.evaluations
        if evaluation.verdict is verdict
    ]


def figures(row: StatusRow, now: float) -> list[tuple[str, str]]:
    """The newest values that matter, each with its name."""
    return [
        (
            truncate(" ".join(filter(None, [signal.column, *sample.labels.values()])), 60),
            _value(sample, now),
        )
        for signal in row.headline
        for sample in row.samples
        if sample.signal.name == signal.name and signal.column and math.isfinite(sample.value)
    ]


def worst(bucket: TimeBucket) -> Verdict | None:
    """The worst verdict of a period; None if nothing ran in it."""
    found = [verdict for verdict, number in bucket.verdicts.items() if number > 0]
    return max(found, key=lambda verdict: verdict.rank, default=None)


def share(row: StatusRow) -> str:
    """``99.2 %``: the share of the day's measured time in which the check passed."""
    ratio = row.availability.ratio if row.availability else None
    return show(ratio, Unit.RATIO) if ratio is not None else ""


def available(row: StatusRow) -> str:
    """The same with its denominator, and the time that it leaves out."""
    found = row.availability
    if found is None:
        return "nothing ran"
    measured = duration(found.measured)
    parts = (
        f"{share(row)} of {measured} available" if found.ratio is not None else "",
        f"{duration(found.unknown)} unknown" if found.unknown >= 1 else "",
        f"{duration(found.gap)} without data" if found.gap >= _MIN_GAP else "",
    )
    return ", ".join(part for part in parts if part) or "nothing ran"


def day_summary(row: StatusRow) -> str:
    """The same, and how many incidents there were."""
    incidents = plural(len(row.incidents), "incident") if row.incidents else "no incident"
    return f"{available(row)}; {incidents}" if row.day else "no data of the last 24 hours"


def summary(overview: Overview) -> str:
    """The state in two words: ``2 critical``, ``all ok``, ``starting``."""
    verdict = without_objectives(overview.verdict)
    number = sum(row.verdict is verdict for row in overview.rows)
    if not overview.rows:
        return "nothing checked"
    if all(row.verdict is None for row in overview.rows):
        return "starting"
    if verdict is Verdict.OK:
        unseen = sum(row.verdict is Verdict.UNKNOWN for row in overview.rows)
        return f"ok, {unseen} not measured" if unseen else "all ok"
    return f"{number} {verdict.value}" if number else verdict.value


def _of_row(row: StatusRow, others: int) -> Headline:
    verdict = row.verdict or Verdict.UNKNOWN
    problem_text = truncate(problem(row) or verdict.value, _HEADLINE_TEXT)
    text = f"{truncate(row.name, _HEADLINE_NAME)}: {problem_text}"
    return Headline(verdict, text, row.since, f"{others} more" if others else "")


def _own_network(rows: Iterable[StatusRow]) -> float | None:
    """Since when checks can't be measured because this machine has no network; None: they can."""
    since = [
        row.since
        for row in rows
        if row.failure is not None and row.failure.cause is Cause.OWN_NETWORK and row.since
    ]
    return min(since, default=None)


def _of_notice(notice: Notice, verdict: Verdict) -> Headline:
    return Headline(verdict, truncate(notice.title, _HEADLINE_TEXT), notice.since)


def _all_passing(overview: Overview) -> str:
    rows = overview.rows
    if not rows:
        return "nothing is checked"
    if all(row.verdict is None for row in rows):
        return _waiting(overview)
    passing = sum(row.verdict in _PASSING and not row.outdated for row in rows)
    outdated = sum(row.outdated for row in rows)
    waiting = sum(row.verdict is None for row in rows)
    text = f"{passing}/{plural(len(rows), 'check')} passing"
    text = f"{text}, {outdated} {OUTDATED}" if outdated else text
    return f"{text}, {waiting} {NOT_RUN}" if waiting else text


def _waiting(overview: Overview) -> str:
    waiting = sum(row.verdict is None for row in overview.rows)
    if not overview.rows:
        return "nothing is checked"
    return f"{plural(waiting, 'check')} {NOT_RUN}" if waiting else "nothing says why"


def _also(overview: Overview) -> str:
    """What a page with an ok verdict must not hide."""
    rows = broken(overview.rows)
    notices = [each for each in overview.notices if each.verdict in BROKEN]
    unseen = sum(row.verdict is Verdict.UNKNOWN for row in rows)
    parts = (
        f"{plural(len(rows) - unseen, 'check')} failing" if len(rows) > unseen else "",
        f"{plural(unseen, 'check')} not measured" if unseen else "",
        f"{plural(len(notices), 'notice')}: {truncate(notices[0].title, _HEADLINE_NAME)}"
        if notices
        else "",
    )
    return ", ".join(part for part in parts if part)


def _ongoing_incident(row: StatusRow) -> str:
    """Why the ongoing incident began: the last run alone may have passed."""
    ongoing = [period for period in row.incidents if period.end is None]
    return (ongoing[0].message or ongoing[0].cause) if ongoing else ""


def _value(sample: Sample, now: float) -> str:
    unit = sample.signal.unit
    return show_until(sample.value, now) if unit is Unit.TIMESTAMP else show(sample.value, unit)
