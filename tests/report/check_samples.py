"""The page of a check: its signals over a day, and its newest runs."""

import random
from collections.abc import Iterator

from probe.core.model import Status, Verdict
from probe.history.model import ResultRow
from probe.history.uptime.model import (
    SeriesPoint,
    SignalSeries,
    SubjectKind,
)
from probe.report.board import (
    CheckDetails,
    StatusBoard,
)
from probe.report.html.check_page import RunTimes
from tests.report.board_samples import backend_down
from tests.report.html.status_days import DAY, NOW, ago
from tests.report.uptime_samples import report


def details(name: str, found: StatusBoard | None = None) -> CheckDetails:
    """The page of a check: a day of two signals, and its last runs."""
    shown = found or backend_down()
    row = next(each for each in shown.overview.rows if each.name == name)
    chance = random.Random(5)
    plotted = row.plot.name if row.plot else "probe_duration_seconds"
    series = tuple(
        SignalSeries(signal, (), tuple(_points(typical, chance)))
        for signal, typical in (
            (plotted, 0.18),
            ("probe_loss_ratio", 0.01),
            ("probe_size_bytes", 5e4),
        )
    )
    runs = tuple(
        ResultRow(
            name, ago(number * 10 + 0.1), 0.21, Status.OK, Verdict.OK, value=0.18,
            samples=((plotted, (), 0.18),),
        )
        for number in range(3, 12)
    )  # fmt: skip
    incidents = tuple(each for each in (*shown.open, *shown.recent) if name in each.checks)
    return CheckDetails(row, report(SubjectKind.CHECK, name, (0, 17)), series, runs, incidents)


def runs(name: str) -> tuple[RunTimes, ...]:
    """The newest runs, with their phases."""
    phases = (("dns", 0.0123), ("connect", 0.0311), ("tls", 0.0402), ("processing", 0.0968))
    failed = RunTimes(
        ago(0.1), 10.0, Status.FAILED, (*phases[:3], ("body", 9.9)), "body", "service_down",
        "redis is down",
    )  # fmt: skip
    if name != "health":
        return ()
    return (failed, *(RunTimes(ago(10.1 * n), 0.18, Status.OK, phases) for n in range(1, 3)))


def _points(typical: float, chance: random.Random) -> Iterator[SeriesPoint]:
    for place in range(96):
        start = NOW - DAY + place * 900
        middle = typical * (1 + 0.25 * (chance.random() - 0.5))
        low, high = middle * 0.8, middle * (1.1 + chance.expovariate(3))
        empty = 10 <= place < 14
        yield SeriesPoint(
            start, start + 900, 0 if empty else 90, *((None,) * 3 if empty else (low, middle, high))
        )
