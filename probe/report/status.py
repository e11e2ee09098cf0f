"""The rows of the status page: the current state, and the last 24 hours.

Made by the daemon, shown by :mod:`probe.report.html.page`, ``html.badge`` and ``json.status``.
Times are wall-clock seconds since 1970 (UTC).
"""

from collections.abc import Mapping

from msgspec import Struct

from probe.core.model import Evaluation, Failure, Limits, Sample, Signal, Status, Verdict
from probe.history.model import StatePeriod, TimeBucket
from probe.history.uptime.model import Uptime

# The title of a firing alert's notice begins with it; the check's name follows.
ALERT = "Alert: "


class Notice(Struct, frozen=True):
    """A notice above the checks: an alert, a maintenance window, a problem of the probe itself.
    ``since`` is None if unknown; ``link`` leads to details."""

    verdict: Verdict
    title: str
    text: str = ""
    since: float | None = None
    link: str = ""


class StatusRow(Struct, frozen=True):
    """One check.

    ``verdict`` is the present one, since ``since``; ``verdict`` and ``since`` are None before the
    first run has ended. ``outdated``: a check that this one is triggered by has started to fail
    since the newest run. ``last_run`` is when the newest run began, ``due`` when the next one
    should (None: not scheduled). ``status``, ``duration``, ``phases``, ``samples``, ``failure`` and
    ``facts`` are the newest run's. ``day`` holds equally long stretches up to now, oldest first;
    ``availability`` is how long of them it passed, failed and was not measured; ``incidents`` are
    the periods of the last 24 hours in which it failed or was unknown, newest first. ``plot`` is
    the signal whose values ``day`` has, ``limits`` the limits on it.
    """

    name: str
    kind: str
    target: str
    labels: Mapping[str, str]
    interval: float
    verdict: Verdict | None = None
    since: float | None = None
    last_run: float | None = None
    due: float | None = None
    status: Status | None = None
    duration: float | None = None
    phases: Mapping[str, float] | None = None
    samples: tuple[Sample, ...] = ()
    failure: Failure | None = None
    facts: Mapping[str, str] | None = None
    headline: tuple[Signal, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    day: tuple[TimeBucket, ...] = ()
    incidents: tuple[StatePeriod, ...] = ()
    plot: Signal | None = None
    limits: Limits | None = None
    availability: Uptime | None = None
    outdated: bool = False


class Overview(Struct, frozen=True):
    """Everything that the status page shows. ``day_start`` and ``day_end`` bound the
    rows' ``day``; its last stretch may go on beyond ``now``. ``skipped`` are (kind, reason)."""

    verdict: Verdict
    now: float
    started_at: float
    day_start: float
    region: str
    version: str
    rows: tuple[StatusRow, ...]
    notices: tuple[Notice, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    day_end: float | None = None

    @property
    def day_until(self) -> float:
        """When the rows' ``day`` ends."""
        return self.now if self.day_end is None else self.day_end
