"""The last day in memory is what the database says, whatever comes in whatever order."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from probe.core.model import Verdict
from probe.history import History
from probe.history.live.buckets import BUCKET_SECONDS
from probe.history.model import ResultRow
from probe.history.uptime import queries
from probe.history.uptime.model import DAY_SECONDS, Subject, SubjectKind, Uptime
from probe.history.uptime.totals import Key
from tests.clocks import Clock
from tests.history.history_builders import buckets, keep, opened
from tests.history.period_builders import NOON, bucket_edges, entry

A, B = Subject(SubjectKind.CHECK, "a"), Subject(SubjectKind.CHECK, "b")
BOTH = Subject(SubjectKind.SERVICE, "both", ("a", "b"))
HOLDS = {"a": 900.0, "b": 4000.0}
VERDICTS = st.sampled_from((Verdict.OK, Verdict.UNKNOWN, Verdict.WARNING, Verdict.CRITICAL))
RUNS = st.lists(
    st.builds(
        entry,
        at=st.integers(int(NOON) - 110_000, int(NOON) + 4000).map(float),
        verdict=VERDICTS,
        check=st.sampled_from(("a", "b")),
        value=st.sampled_from((None, 0.25, 0.5, 4.0)),
    ),
    max_size=30,
)


async def agree(history: History, now: float) -> None:
    """Every figure of the last day equals that of the database."""
    await history.prepare_recent(now)
    day = await history.recent_day(now)
    assert day.buckets == await buckets(history, bucket_edges(day.start, day.end, 96))
    assert day.start <= now - DAY_SECONDS + BUCKET_SECONDS < day.start + 2 * BUCKET_SECONDS
    none: dict[Key, tuple[Uptime, ...]] = {}
    windows = await history.query(lambda db: queries.windows(db, (BOTH,), now), none)
    assert await history.uptime(now) == windows
    days = await history.query(lambda db: queries.days(db, (BOTH,), (A, BOTH), now), none)
    assert await history.uptime_days((A, BOTH), now) == days


@settings(max_examples=25, deadline=None)
@given(
    runs=RUNS,
    cuts=st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted),
    in_order=st.booleans(),
    steps=st.tuples(st.integers(0, 90_000), st.integers(-5000, 8000)),
)
async def test_figures_in_memory_equal_those_of_the_database(
    runs: list[ResultRow], cuts: list[int], in_order: bool, steps: tuple[int, int]
) -> None:
    """In order, late, doubled, from the future, over many hours, and with a clock set back."""
    runs = sorted(runs, key=lambda run: run.at) if in_order else runs
    clock = Clock(NOON)
    async with opened(None, now=clock) as history:
        history.set_checks(HOLDS, (BOTH,))
        history.begin()
        await keep(history, runs[: cuts[0]])
        await agree(history, clock())
        await keep(history, runs[cuts[0] : cuts[1]])
        clock.pass_(steps[0])
        await agree(history, clock())
        clock.pass_(steps[1])
        await keep(history, runs[cuts[1] :])
        await agree(history, clock())


async def test_a_configuration_that_changes_how_long_results_hold_changes_the_figures() -> None:
    clock = Clock(NOON)
    async with opened(None, now=clock) as history:
        history.set_checks({"a": 60.0}, (BOTH,))
        await keep(history, [entry(NOON - 40, check="a")])
        await agree(history, clock())
        history.set_checks({"a": 600.0}, (BOTH,))
        await keep(history, [entry(NOON - 10, Verdict.CRITICAL, "a")])
        clock.pass_(300)
        await agree(history, clock())
        assert round((await history.uptime(clock()))[SubjectKind.CHECK, "a"][0].down) == 310


async def test_a_result_holds_until_one_of_the_future_once_its_time_has_come() -> None:
    """A clock that was set back leaves such results."""
    clock = Clock(NOON)
    async with opened(None, now=clock) as history:
        history.set_checks(HOLDS, (BOTH,))
        await keep(history, [entry(NOON + 60, check="a"), entry(NOON - 600, check="a")])
        await agree(history, clock())
        clock.pass_(60)
        await agree(history, clock())
        assert (await history.uptime(clock()))[SubjectKind.CHECK, "a"][0].up == 660.0


async def test_results_written_while_the_day_is_loaded_are_there_once() -> None:
    """One hour is loaded at a time, and writes come in between."""
    clock = Clock(NOON)
    async with opened(None, now=clock) as history:
        history.set_checks(HOLDS, (BOTH,))
        await keep(history, [entry(NOON - 3600 * n, check="a") for n in range(20, 0, -1)])
        loading = asyncio.create_task(history.prepare_recent(clock()))
        await asyncio.sleep(0)
        await keep(history, [entry(NOON - 5, Verdict.WARNING, "a")])
        await loading
        await agree(history, clock())
        [run] = await history.recent(NOON - 5)
        day = (await history.recent_day(clock())).buckets["a"]
        assert day[-2].verdicts == {run.verdict: 1}
