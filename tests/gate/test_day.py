"""A watch of 24 hours on a clock that jumps: verdict, intervals, incidents, resuming."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from probe.commands.gate.reporting import judged
from probe.core.causes import Cause
from probe.core.model import LimitSide, Unit, Verdict
from probe.gate.averages import average
from probe.gate.objectives import GateObjective, Statistic
from probe.gate.tally import Tally
from probe.history.uptime import marks
from probe.history.uptime.rollup import roll
from probe.report.gate.model import Decision, GateReport, GateVerdict, ObjectiveRow
from tests.gate.release import DAY, HOUR, START, Release, Trouble, survive
from tests.history.period_builders import entry

BOTH = ("health", "frontend")
# Ten minutes without a backend, two hours of slow responses, calls that fail now and then.
THREE_FAULTS = (
    Trouble(3.0, 3 + 10 / 60, BOTH),
    Trouble(8.0, 10.0, ("health", "frontend"), kind="slow", seconds=1.2),
    Trouble(15.0, 20.0, ("call-primary",), Cause.ICE_FAILED, every=2),
)


def objective(report: GateReport, name: str) -> ObjectiveRow:
    return next(row for row in report.objectives if row.name == name)


def decisions(report: GateReport) -> dict[str, Decision]:
    return {row.name: row.decision for row in report.objectives}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Release, GateReport]:
    release = Release(tmp_path_factory.mktemp("faults"), THREE_FAULTS)
    return release, release.watch()


def test_three_faults_end_in_a_roll_back_for_the_objectives_that_they_miss(
    watched: tuple[Release, GateReport],
) -> None:
    _, report = watched
    found = decisions(report)
    assert report.verdict is GateVerdict.ROLL_BACK
    assert found["health/availability"] is Decision.MISSED
    assert found["health/probe_toy_response_seconds"] is Decision.MISSED
    assert found["call-success"] is Decision.MISSED
    assert found["machine/probe_toy_cpu_ratio"] is Decision.MET
    assert found["machine/probe_toy_memory_bytes"] is Decision.MET


def test_time_and_count_are_measured_with_their_intervals(
    watched: tuple[Release, GateReport],
) -> None:
    _, report = watched
    down = objective(report, "health/availability")
    assert down.by_time is not None
    assert down.by_time.low <= 600 <= down.by_time.high
    assert down.by_time.high - down.by_time.low <= 130
    assert down.by_time.allowed == pytest.approx(86.4)
    assert down.budget_left is not None
    assert down.budget_left < -5
    calls = objective(report, "call-success")
    assert calls.by_count is not None
    assert calls.estimate is not None
    failed, made = calls.by_count.bad, calls.by_count.cases
    assert 350 <= made <= 362
    assert 33 <= failed <= 42
    assert calls.estimate.low < 1 - failed / made < calls.estimate.high


def test_every_incident_is_there_with_its_cause_and_duration(
    watched: tuple[Release, GateReport],
) -> None:
    _, report = watched
    outage = report.incidents[0]
    assert outage.start == pytest.approx(START + 3 * HOUR, abs=65)
    assert outage.duration == pytest.approx(600, abs=130)
    assert (outage.cause, set(outage.checks)) == ("connect_refused", set(BOTH))
    assert outage.verdict is Verdict.CRITICAL
    others = {row.cause for row in report.incidents[1:]}
    assert others == {"ice_failed"}  # being slow misses an objective, and alerts nobody here
    assert report.gaps == []


def test_history_alone_gives_the_same_report(watched: tuple[Release, GateReport]) -> None:
    release, report = watched
    again = judged(release.plan, release.folder, START, report.window.end)
    assert again.verdict is report.verdict
    assert decisions(again) == decisions(report)
    assert list(again.incidents) == list(report.incidents)
    for mine, other in zip(again.objectives, report.objectives, strict=True):
        assert mine.by_count is None or other.by_count is not None
        assert mine.estimate == other.estimate


@pytest.mark.proof
def test_killed_and_continued_it_gives_the_verdict_of_one_that_was_not(
    tmp_path: Path, watched: tuple[Release, GateReport]
) -> None:
    _, whole = watched
    release = Release(tmp_path, THREE_FAULTS, killed_at=9 * HOUR)
    survive(release)
    release.clock.pass_(20 * 60)
    report = release.watch()
    assert report.verdict is whole.verdict
    assert report.window.elapsed == pytest.approx(DAY)
    assert report.window.end == pytest.approx(START + DAY, abs=10)
    (gap,) = report.gaps
    assert gap.reason == "the watch was interrupted"
    assert gap.duration == pytest.approx(20 * 60, abs=80)
    assert [row.cause for row in report.incidents] == [row.cause for row in whole.incidents]


@pytest.mark.proof
def test_a_day_at_ten_seconds_is_go_by_the_operators_own_criteria(tmp_path: Path) -> None:
    report = Release(tmp_path, interval=10.0, tables=()).watch()
    assert report.verdict is GateVerdict.GO
    assert set(decisions(report).values()) == {Decision.MET}
    assert list(report.incidents) == []
    rate = objective(report, "error-rate")
    assert rate.limit == 0.999
    assert rate.by_count is not None
    assert rate.by_count.cases > 10_000


def test_hours_without_faults_are_go(tmp_path: Path) -> None:
    report = Release(tmp_path).watch(8 * HOUR)
    assert report.verdict is GateVerdict.GO
    assert set(decisions(report).values()) == {Decision.MET}
    assert list(report.incidents) == []


def test_a_machine_that_restarts_is_a_gap_and_no_outage(tmp_path: Path) -> None:
    release = Release(tmp_path, killed_at=2 * HOUR)
    survive(release, 6 * HOUR)
    release.boot = "second"  # and half an hour later the machine is back
    release.clock.pass_(HOUR / 2)
    report = release.watch()
    assert report.verdict is GateVerdict.GO
    assert [gap.reason for gap in report.gaps] == ["this machine was restarted"]
    health = objective(report, "health/availability")
    assert health.by_time is not None
    assert health.by_time.bad == 0
    assert health.by_time.measured == pytest.approx(5.5 * HOUR, abs=300)


def test_a_laptop_that_sleeps_is_a_gap_and_no_outage(tmp_path: Path) -> None:
    release = Release(tmp_path, sleeps_at=2 * HOUR)
    report = release.watch(6 * HOUR)
    assert report.verdict is GateVerdict.GO
    assert [gap.reason for gap in report.gaps] == ["this machine was asleep"]
    assert report.gaps[0].duration == pytest.approx(HOUR / 2, abs=80)


def test_a_gap_of_half_the_time_leaves_it_undecided(tmp_path: Path) -> None:
    release = Release(tmp_path, killed_at=2 * HOUR)
    survive(release, 6 * HOUR)
    release.clock.pass_(3 * HOUR)
    report = release.watch()
    assert report.verdict is GateVerdict.NOT_DECIDED
    assert "% of the time was measured" in objective(report, "health/availability").reason


@pytest.mark.parametrize(
    "step", [12 * HOUR, -3 * HOUR, pytest.param(90.0, marks=pytest.mark.proof)]
)
def test_a_clock_that_is_set_neither_ends_the_watch_nor_prolongs_it(
    tmp_path: Path, step: float
) -> None:
    release = Release(tmp_path, killed_at=2 * HOUR)
    survive(release, 6 * HOUR)
    release.wall_offset = step  # set while the process was gone
    report = release.watch()
    assert release.clock() == pytest.approx(6 * HOUR, abs=10)
    assert report.window.elapsed == pytest.approx(6 * HOUR)
    assert report.verdict is not GateVerdict.ROLL_BACK
    assert list(report.incidents) == []


def test_fail_fast_ends_once_the_budget_of_the_whole_time_is_spent(tmp_path: Path) -> None:
    release = Release(tmp_path, (Trouble(2.0, 12.0, BOTH),))
    report = release.watch(fail_fast=True)
    assert report.verdict is GateVerdict.ROLL_BACK
    assert release.clock() < 2.3 * HOUR
    assert "health/availability" in report.early
    assert release.progress().is_over


def test_fail_fast_goes_on_while_nothing_is_decided(tmp_path: Path) -> None:
    release = Release(tmp_path, (Trouble(2.0, 2 + 30 / 3600, BOTH),))
    report = release.watch(seconds=12 * HOUR, fail_fast=True)
    assert release.clock() >= 12 * HOUR - 1
    assert report.early == ""
    health = objective(report, "health/availability")
    assert health.by_time is not None
    assert 0 < health.by_time.bad < 43.2


def test_a_window_beyond_the_results_says_what_aggregates_know_and_decides_nothing_by_them(
    watched: tuple[Release, GateReport], tmp_path: Path
) -> None:
    """The daemon deletes results after 30 days and keeps what was made of them by hour."""
    release, _ = watched
    shutil.copytree(release.folder, tmp_path / "data")
    folder = tmp_path / "data"
    db = sqlite3.connect(folder / "history.sqlite")
    for hour in range(24):
        roll(db, int(START // HOUR) + hour, int(START // HOUR) + hour + 1, ())
    marks.set_mark(db, marks.ROLLED_HOURS, START // HOUR + 24)
    db.execute("DELETE FROM entries WHERE at < ?", (START + 12 * HOUR,))
    db.commit()
    db.close()
    report = judged(release.plan, folder, START, START + DAY)
    [note] = [each for each in report.notes if "aggregates alone" in each]
    assert "before 2026-01-01 12:" in note
    assert "health was up 98.6" in note
    assert "(down 10 min" in note
    down = objective(report, "health/availability").by_time
    assert down is not None
    assert down.bad == 0


RATE: dict[str, Any] = {
    "name": "rate",
    "checks": frozenset({"toy"}),
    "statistic": Statistic.MEAN,
    "limit": 0.001,
    "bad": LimitSide.ABOVE,
    "unit": Unit.RATIO,
    "signal": "s",
}


def test_a_share_that_the_target_reports_is_one_of_its_cases(tmp_path: Path) -> None:
    """A tenth of 10 requests at night is nothing compared with a day of 200,000 at a time."""
    release = Release(tmp_path, requests=200_000.0, interval=600.0)
    rate = objective(release.watch(), "machine/probe_toy_error_ratio")
    assert rate.statistic == "mean"
    assert rate.decision is Decision.MET
    assert rate.estimate is not None
    assert rate.estimate.value == pytest.approx(0.0005, rel=0.01)
    assert rate.estimate.low < 0.0005 < rate.estimate.high < 0.001
    assert rate.reason == "0.0502 % of 21,600,360 cases: surely within 0.1 %"
    again = judged(release.plan, release.folder, START, START + DAY)
    assert objective(again, rate.name) == rate


def test_a_share_of_a_few_cases_is_not_decided_however_many_values_there_are(
    tmp_path: Path,
) -> None:
    release = Release(tmp_path, requests=12.0, interval=600.0)
    rate = objective(release.watch(8 * HOUR), "machine/probe_toy_error_ratio")
    assert rate.decision is Decision.MISSED  # a tenth of what there was has failed
    for range_seconds, said in ((0.0, "of 720 cases"), (3600.0, "of 124 cases")):
        few = Tally(GateObjective(**RATE, range_seconds=range_seconds), {}, {})
        for number in range(144):
            few.add(entry(START + 600 * number, samples=(("s", (), 0.0),), cases=(("s", (), 5.0),)))
        value, low, high, of = average(few, 0.95)
        assert (value, low, of) == (0.0, 0.0, said)
        assert high > 0.001  # 720 cases without an error do not prove 99.9 %


def test_values_without_their_cases_are_averaged_as_before() -> None:
    old = Tally(GateObjective(**RATE), {}, {})
    for number in range(100):
        cases = (("s", (), 1e6),) if number > 50 else ()
        share = 0.0 if number > 50 else 0.02
        old.add(entry(START + 600 * number, samples=(("s", (), share),), cases=cases))
    value, low, high, of = average(old, 0.95)
    assert value == pytest.approx(0.0102)
    assert of == "on average"
    assert low < 0.0102 < high
