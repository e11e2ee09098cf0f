"""Uptime is a share of time: equal to a count of every second, whatever order results come in."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from probe.core.model import Verdict
from probe.history import Retention
from probe.history.database import open_memory
from probe.history.model import ResultRow
from probe.history.rows import Writer
from probe.history.uptime import marks, queries
from probe.history.uptime.model import DAY_SECONDS, Subject, SubjectKind, Uptime
from probe.history.uptime.rollup import Rollup, note_late
from probe.storage.sqlite import transaction
from tests.clocks import Clock
from tests.history.history_builders import keep, opened, uptime_between
from tests.history.period_builders import NOON, entries, entry
from tests.history.uptime.second_by_second import HOUR, Seconds, seconds_of

A, B = Subject(SubjectKind.CHECK, "a"), Subject(SubjectKind.CHECK, "b")
BOTH = Subject(SubjectKind.SERVICE, "both", ("a", "b"))
HOLDS = {"a": 90.0, "b": 400.0}
# A full hour.
START = int(NOON) // HOUR * HOUR
HOURS = 2
END = START + HOURS * HOUR

VERDICTS = st.sampled_from((Verdict.OK, Verdict.UNKNOWN, Verdict.WARNING, Verdict.CRITICAL))
RUNS = st.lists(
    st.builds(
        entry,
        at=st.integers(START - 500, END).map(float),
        verdict=VERDICTS,
        check=st.sampled_from(("a", "b")),
    ),
    max_size=25,
)
STOPS = st.lists(st.integers(START - 600, END).map(float), max_size=3)


def written(batches: Sequence[Sequence[ResultRow]], stops: Sequence[float]) -> sqlite3.Connection:
    """A database into which results came in these batches, aggregated after each of them."""
    db = open_memory(1000)
    rollup = Rollup(lambda: END + 700.0, 10_000)
    rollup.groups = (BOTH,)
    with transaction(db):
        marks.set_holds(db, HOLDS, 0.0)
        db.executemany("INSERT OR IGNORE INTO stops VALUES (?)", [(each,) for each in stops])
    for batch in batches:
        with transaction(db):
            note_late(db, (each.at for each in batch))
            Writer(db).write(batch)
        rollup.run(db, all_at_once=True)
    return db


def as_seconds(found: Uptime) -> Seconds:
    """Of whole seconds."""
    values = (found.up, found.degraded, found.down, found.unknown)
    return Seconds(*(round(each) for each in values))


@settings(max_examples=25, deadline=None)
@given(runs=RUNS, cut=st.integers(0, 25), stops=STOPS, edge=st.integers(0, HOUR + 600))
@example(runs=[entry(float(START - 60), check="a")], cut=0, stops=[START - 30.0], edge=0)
@example(
    runs=[entry(float(END - 9), check="b"), entry(START + 10.0, Verdict.CRITICAL, "b")],
    cut=1,
    stops=[],
    edge=0,
)
def test_uptime_equals_a_count_of_every_second(
    runs: list[ResultRow], cut: int, stops: list[float], edge: int
) -> None:
    """Late, doubled and out of order, before and after hours were aggregated."""
    with closing(written((runs[:cut], runs[cut:]), stops)) as db:
        start = START + edge
        found = queries.between(db, (BOTH,), float(start), float(END))
        for subject in (A, B, BOTH):
            expected = seconds_of(runs, subject, start, END, HOLDS, stops)
            measured = found.get((subject.kind, subject.name), Uptime(start, END))
            assert as_seconds(measured) == expected, subject
            spent = expected.up + expected.down + expected.unknown
            assert measured.gap == pytest.approx(END - start - spent)


@settings(max_examples=15, deadline=None)
@given(runs=RUNS, cut=st.integers(0, 25))
def test_hours_that_were_made_before_and_after_late_results_are_the_same(
    runs: list[ResultRow], cut: int
) -> None:
    with (
        closing(written((runs[:cut], runs[cut:]), ())) as late,
        closing(written((runs,), ())) as together,
    ):
        query = (
            "SELECT subjects.kind, subjects.name, hours.id & 16777215, up, degraded, down, unknown,"
            " runs, failed, unmeasured FROM hours JOIN subjects ON subjects.id = hours.id >> 24"
            " WHERE up + down + unknown + runs > 0 ORDER BY 1, 2, 3"
        )
        assert late.execute(query).fetchall() == together.execute(query).fetchall()


async def test_windows_and_days_of_a_recorded_day_with_faults() -> None:
    """A day of runs: an outage of 40 min, 10 min unknown, the probe off for an hour."""
    clock = Clock(float(START + 100 * HOUR))
    day = int(clock()) // 86400 * 86400
    clock.pass_(day + 86400.0 - clock())
    runs = [
        row
        for row in entries(1440, float(day), 60, check="a")
        if not 5 * HOUR <= row.at - day < 6 * HOUR
    ]
    outage = (9 * HOUR, 9 * HOUR + 2400)
    runs = [
        entry(row.at, Verdict.CRITICAL, "a") if outage[0] <= row.at - day < outage[1] else row
        for row in runs
    ]
    runs = [
        entry(row.at, Verdict.UNKNOWN, "a") if 600 <= row.at - day < 1200 else row for row in runs
    ]
    async with opened(None, now=clock) as history:
        history.set_checks({"a": 90.0}, (Subject(SubjectKind.SERVICE, "s", ("a",)),))
        await keep(history, runs)
        found = (await history.uptime(clock()))[SubjectKind.CHECK, "a"]
        expected = seconds_of(runs, A, day, day + 86400, HOLDS)
        for window in found:
            assert as_seconds(window) == expected
        assert found[0].down == 2400
        assert found[0].unknown == 600
        assert found[0].gap == HOUR - 30, "the last result before it holds for 90 s"
        ratio = found[0].ratio
        assert ratio is not None
        assert ratio == expected.up / (expected.up + 2400)
        assert found[0].budget_left(0.99) == pytest.approx(1 - 2400 / (0.01 * found[0].measured))
        service = Subject(SubjectKind.SERVICE, "s")
        bars = (await history.uptime_days([service], clock() - 1))[SubjectKind.SERVICE, "s"]
        assert len(bars) == 90
        assert [round(bar.down) for bar in bars[-2:]] == [0, 2400]
        assert all(bar.gap == bar.total for bar in bars[:-1])


async def test_a_restart_ends_what_was_measured_before() -> None:
    clock = Clock(NOON)
    async with opened(None, now=clock) as history:
        history.begin()
        history.set_checks({"a": 3600.0}, ())
        await keep(history, [entry(NOON, check="a")])
        clock.pass_(600)
        history.change("off", lambda db: marks.set_mark(db, marks.ALIVE, NOON + 60))
        history.begin()
        await keep(history, [entry(NOON + 600, check="a")])
        clock.pass_(600)
        found = (await uptime_between(history, NOON, clock()))[SubjectKind.CHECK, "a"]
        assert (found.up, found.gap) == (660.0, 540.0)


async def test_how_long_a_result_holds_follows_the_check_as_it_was_configured_then() -> None:
    clock = Clock(NOON)
    async with opened(None, now=clock) as history:
        history.set_checks({"a": 100.0}, ())
        await keep(history, [entry(NOON, check="a")])
        clock.pass_(1000)
        history.set_checks({"a": 500.0}, ())
        await keep(history, [entry(NOON + 1000, check="a")])
        clock.pass_(1000)
        found = (await uptime_between(history, NOON, clock()))[SubjectKind.CHECK, "a"]
        assert found.up == 600.0


async def test_aggregates_outlive_results_and_a_clock_that_is_behind() -> None:
    """Results of two days are deleted, their hours stay; a clock that starts a year behind does
    not make them again out of nothing."""
    clock = Clock(float(START))
    bounds = Retention(seconds=2 * DAY_SECONDS)
    async with opened(None, now=clock, bounds=bounds) as history:
        history.set_checks({"a": 90.0}, ())
        for _ in range(96):
            await keep(history, entries(60, clock(), 60, check="a"))
            clock.pass_(HOUR)
        before = (await history.uptime(clock()))[SubjectKind.CHECK, "a"][1]
        assert before.up == pytest.approx(96 * HOUR, abs=90)
        assert len(await history.recent(0.0)) < 80 * 60
        clock.pass_(-365 * DAY_SECONDS)
        await keep(history, [entry(clock(), check="a")])
        clock.pass_(365 * DAY_SECONDS)
        await keep(history, [entry(clock(), check="a")])
        after = (await history.uptime(clock()))[SubjectKind.CHECK, "a"][1]
        assert after.up == pytest.approx(before.up, abs=90)


async def test_a_clock_that_was_ahead_leaves_no_uptime_behind() -> None:
    clock = Clock(float(START))
    async with opened(None, now=clock) as history:
        history.set_checks({"a": 90.0}, ())
        await keep(history, entries(60, clock(), 60, check="a"))
        clock.pass_(30 * DAY_SECONDS)
        await keep(history, [entry(clock(), Verdict.CRITICAL, "a")])
        clock.pass_(HOUR - 30 * DAY_SECONDS)
        await keep(history, entries(60, clock(), 60, check="a"))
        clock.pass_(HOUR)
        found = (await history.uptime(clock()))[SubjectKind.CHECK, "a"][0]
        assert (found.up, found.down) == (2 * HOUR, 0.0)


async def test_aggregates_are_bounded() -> None:
    clock = Clock(float(START))
    bounds = Retention(bytes=1 << 20)
    async with opened(None, now=clock, bounds=bounds) as history:
        names = [f"c{number}" for number in range(50)]
        history.set_checks(dict.fromkeys(names, 7200.0), ())
        for _ in range(200):
            await keep(history, [entry(clock(), check=name) for name in names])
            clock.pass_(HOUR)
        counts = await history.query(
            lambda db: [db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in _TABLES],
            [0, 0],
        )
        assert counts[0] <= bounds.aggregates
        assert counts[1] <= bounds.aggregates // 2
        assert history.state.bytes <= bounds.bytes


_TABLES = ("hours", "days")


def test_windows_of_more_than_a_day_begin_at_a_full_hour() -> None:
    now = START + 1234.5
    with closing(written(([entry(float(START), check="a")],), ())) as db:
        [found] = [each for key, each in queries.windows(db, (), now).items() if key[1] == "a"]
    assert found[0].start == now - DAY_SECONDS
    assert all(window.start % HOUR == 0 for window in found[1:])
    assert all(long.start <= short.start for short, long in pairwise(found))
