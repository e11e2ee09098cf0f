"""The rows of reports: data only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from probe.core.model import Evaluation, Result, Signal, Verdict


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One check: its settings, result and verdict.

    ``headline`` are the kind's signals worth showing in a table, in order; ``target`` is
    already without user info and query.
    """

    name: str
    kind: str
    target: str
    labels: Mapping[str, str]
    result: Result
    verdict: Verdict
    headline: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """What was not checked, and the reason."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class RetriedRow:
    """A check that did not pass in so many earlier rounds of ``--wait``; ``result`` is the last of
    these."""

    rounds: int
    result: Result


@dataclass(frozen=True, slots=True)
class Report:
    """One run of all checks. ``duration`` is in seconds, ``started_at`` in UTC.

    ``rows`` and ``skipped`` stand in the order of the plan, so two runs compare line by
    line.
    """

    verdict: Verdict
    exit_code: int
    started_at: datetime
    duration: float
    region: str
    version: str
    rows: tuple[ReportRow, ...]
    evaluations: tuple[Evaluation, ...] = ()
    skipped: tuple[SkippedRow, ...] = ()
    retried: tuple[RetriedRow, ...] = ()
