"""History keeps within bounds of age and size, whatever the clock does."""

from pathlib import Path

import pytest

from probe.history import Retention
from tests.clocks import Clock
from tests.history.history_builders import everything, keep, opened, taken
from tests.history.period_builders import DOZEN, NOON, entries, entry

DAY = 86400.0
YEAR = 365 * DAY
pytestmark = pytest.mark.usefixtures("leaks")


async def test_entries_that_are_too_old_go(tmp_path: Path) -> None:
    clock = Clock(NOON)
    async with opened(tmp_path, now=clock, bounds=Retention(seconds=1000)) as history:
        await keep(history, entries(10))
        clock.pass_(1030)
        await keep(history, [entry(clock())])
        await keep(history, [entry(clock())])
        messages = [each.message for each in await everything(history)]
        assert messages == [*map(str, range(2, 10)), "", ""], "two go for one that is written"
        clock.pass_(60)
        await keep(history, [entry(clock())])
        assert [each.message for each in await everything(history)][:1] == ["6"]


async def test_age_keeps_pace_with_writing(tmp_path: Path) -> None:
    clock = Clock(NOON)
    async with opened(tmp_path, now=clock, bounds=Retention(seconds=3600)) as history:
        for _ in range(300):
            await keep(history, entries(6, clock()))
            clock.pass_(60)
        oldest = (await everything(history))[0].at
        assert clock() - 3600 - 180 <= oldest <= clock() - 3600


async def test_a_clock_that_is_a_year_ahead_for_an_hour_takes_two_hours_with_it() -> None:
    clock = Clock(NOON)
    async with opened(None, now=clock) as history:
        await keep(history, entries(2000, every=60))
        clock.pass_(2000 * 60)
        await keep(history, [entry(clock())])
        clock.pass_(YEAR)
        for _ in range(60):
            await keep(history, [entry(clock(), message="ahead")])
            clock.pass_(60)
        clock.pass_(-YEAR)
        await keep(history, [entry(clock(), message="back")])
        messages = [each.message for each in await everything(history)]
        assert messages.count("ahead") == 60, "what is from the future stays"
        assert len(messages) == 2000 + 62 - 120


async def test_even_after_a_burst_a_wrong_clock_takes_a_tenth_at_once() -> None:
    clock = Clock(NOON)
    async with opened(None, now=clock) as history:
        await keep(history, entries(1))
        await keep(history, entries(4999))
        clock.pass_(YEAR)
        await keep(history, [entry(clock())])
        assert len(await everything(history)) == 5001 - 500


async def test_a_clock_that_goes_back_takes_nothing_with_it() -> None:
    clock = Clock(NOON)
    async with opened(None, now=clock) as history:
        await keep(history, entries(100))
        clock.pass_(-YEAR)
        for _ in range(10):
            await keep(history, [entry(clock())])
            clock.pass_(60)
        assert len(await everything(history)) == 110


async def test_after_a_clock_was_ahead_old_entries_go_as_ever() -> None:
    clock = Clock(NOON + YEAR)
    async with opened(None, now=clock, bounds=Retention(seconds=3600)) as history:
        await keep(history, [entry(clock())])
        clock.pass_(-YEAR)
        await keep(history, entries(10, clock()))
        clock.pass_(2 * 3600)
        await keep(history, entries(5, clock()))
        assert [e.at < clock() for e in await everything(history)] == [False] * 6


async def test_a_file_that_is_too_big_shrinks_and_keeps_the_newest(tmp_path: Path) -> None:
    bounds = Retention(bytes=2 << 20)
    async with opened(tmp_path, bounds=bounds) as history:
        for start in range(0, 20_000, 2000):
            await keep(history, entries(2000, NOON + start, samples=DOZEN))
            assert history.state.bytes == taken(tmp_path) <= bounds.bytes
        found = await everything(history)
        assert found[-1].at == NOON + 18_000 + 1999 * 10
        assert len(found) > 4000
        assert history.state.written == 20_000


async def test_narrower_bounds_shrink_what_is_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as history:
        await keep(history, entries(20_000, samples=DOZEN))
        assert history.state.bytes > 4 << 20
    async with opened(tmp_path, bounds=Retention(bytes=1 << 20)) as history:
        await keep(history, entries(1, NOON + DAY))
        assert history.state.bytes <= 1 << 20
        assert (await everything(history))[-1].at == NOON + DAY
    assert taken(tmp_path) <= 1 << 20


async def test_history_in_memory_stays_small() -> None:
    async with opened(None, bounds=Retention(bytes=1 << 20)) as history:
        await keep(history, entries(20_000, samples=DOZEN))
        assert history.state.bytes <= 1 << 20
        assert (await everything(history))[-1].message == "19999"


@pytest.mark.parametrize("size", [0, 1, 50_000])
async def test_bounds_that_nothing_fits_in_end_in_little_history_not_in_a_loop(size: int) -> None:
    async with opened(None, bounds=Retention(bytes=size)) as history:
        await keep(history, entries(100))
        assert history.state.written == 100
        assert await everything(history) == []
