"""Whatever was written, history says of it what going through all entries would say."""

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.core.model import Verdict
from probe.history import History
from probe.history.model import ResultRow
from tests.history.history_builders import buckets as buckets_of
from tests.history.period_builders import (
    NOON,
    bucket_edges,
    day_of,
    entry,
    incidents_of,
    spells_of,
)

# Mostly onwards, sometimes a clock that is set back or ahead.
gaps = st.one_of(st.integers(0, 30), st.sampled_from([-100, 100]))
values = st.one_of(
    st.none(), st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf, -math.inf])
)
rows = st.tuples(st.sampled_from("ab"), gaps, st.sampled_from(list(Verdict)), values)


@st.composite
def pasts(draw: st.DrawFn) -> list[ResultRow]:
    at, kept = NOON, []
    for number, (check, gap, verdict, value) in enumerate(draw(st.lists(rows, max_size=40))):
        at += gap
        kept.append(entry(at, verdict, check, value=value, message=str(number)))
    return kept


periods = given(
    pasts(), st.integers(-50, 400), st.integers(1, 400), st.integers(1, 5), st.integers(1, 4)
)


@settings(max_examples=80)
@periods
def test_history_says_what_the_entries_say(
    kept: list[ResultRow], offset: int, length: int, buckets: int, most: int
) -> None:
    says_what_the_entries_say(kept, offset, length, buckets, most)


@pytest.mark.proof
@settings(max_examples=500)
@periods
def test_history_says_what_the_entries_of_many_pasts_say(
    kept: list[ResultRow], offset: int, length: int, buckets: int, most: int
) -> None:
    says_what_the_entries_say(kept, offset, length, buckets, most)


def says_what_the_entries_say(
    kept: list[ResultRow], offset: int, length: int, buckets: int, most: int
) -> None:
    """A history and the entries themselves have the same periods and buckets."""
    start = NOON + offset
    end = start + length

    async def compare() -> None:
        history = await History.open(None, now=lambda: NOON)
        for each in kept:
            history.add(each)
        await history.flush()
        assert await history.current_periods() == {c: s[-1] for c, s in spells_of(kept).items()}
        assert await history.unhealthy_periods(start, end, most) == incidents_of(
            kept, start, end, most
        )
        edges = bucket_edges(start, end, buckets)
        assert await buckets_of(history, edges) == day_of(kept, edges)
        recent = await history.recent(start)
        assert [e.message for e in recent] == [e.message for e in kept if e.at >= start]
        await history.close()

    asyncio.run(compare())
