"""The rows of reports: data only."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from probe.core.model import Evaluation, Result, Signal, Verdict


class ReportRow(Struct, frozen=True):
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


class SkippedRow(Struct, frozen=True):
    """What was not checked, and the reason."""

    kind: str
    reason: str


class RetriedRow(Struct, frozen=True):
    """A check that did not pass in so many earlier rounds of ``--wait``; ``result`` is the last of
    these."""

    rounds: int
    result: Result


class RunIncident(Struct, frozen=True):
    """Checks of a run that do not pass for one reason, as a notification would say it.

    ``losses`` are what users lose, in sentences, the main one first; ``places`` host and port of
    the targets, or what stands for them. ``runbook`` is the name of a page or an address, ``link``
    the page's address, empty if it has none; ``steps`` are its first ones.
    """

    verdict: Verdict
    losses: tuple[str, ...]
    checks: tuple[str, ...]
    places: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    runbook: str = ""
    link: str = ""
    steps: tuple[str, ...] = ()


class Report(Struct, frozen=True):
    """One run of all checks. ``duration`` is in seconds, ``started_at`` in UTC.

    ``rows`` and ``skipped`` stand in the order of the plan, so two runs compare line by
    line. ``incidents`` are what is wrong, the most severe first.
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
    incidents: tuple[RunIncident, ...] = ()
