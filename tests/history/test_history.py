"""History keeps what was found, within bounds, and tells it again after a restart."""

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from probe.core.model import Verdict
from probe.history import MEMORY_BOUNDS
from probe.history.history import MAX_WAITING
from probe.history.model import HealthState
from tests.history.history_builders import buckets, everything, keep, opened, sizes, taken
from tests.history.period_builders import DOZEN, NOON, entries, entry

pytestmark = pytest.mark.usefixtures("leaks")


async def test_after_a_restart_everything_is_there_as_it_was(tmp_path: Path) -> None:
    kept = [
        entry(NOON, check="a", value=0.25, samples=DOZEN),
        entry(NOON + 1, Verdict.CRITICAL, "b", phase="dns", cause="dns_failed", message="no"),
        entry(NOON + 1, Verdict.UNKNOWN, "a", cause="rate_limited"),
        entry(NOON - 9, Verdict.OBJECTIVE_MISSED, "b", value=-1.5),
        entry(NOON + 2, Verdict.WARNING, "a"),
    ]
    async with opened(tmp_path) as history:
        await keep(history, kept[:3])
        await keep(history, kept[3:])
    async with opened(tmp_path) as history:
        assert await everything(history) == kept
        periods = await history.current_periods()
        assert periods["a"].state is HealthState.UNHEALTHY
        assert (periods["b"].start, periods["b"].entries) == (NOON - 9, 1)


async def test_the_state_counts_what_is_written_and_what_waits(tmp_path: Path) -> None:
    async with opened(tmp_path / "made" / "for it") as history:
        await keep(history, entries(3))
        history.add(entry())
        state = history.state
        assert (state.persistent, state.problem) == (True, "")
        assert (state.written, state.waiting, state.lost) == (3, 1, 0)
        assert state.bytes == taken(tmp_path / "made" / "for it")


async def test_closing_writes_what_waits_and_leaves_one_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as history:
        history.add(entry())
    assert set(sizes(tmp_path)) == {"history.sqlite"}
    async with opened(tmp_path) as history:
        assert await everything(history) == [entry()]


async def test_without_a_folder_history_is_in_memory_and_that_is_no_problem() -> None:
    async with opened(None) as history:
        await keep(history, entries(100))
        assert len(await everything(history)) == 100
        state = history.state
        assert (state.persistent, state.problem) == (False, "")
        assert 0 < state.bytes <= MEMORY_BOUNDS.bytes


async def test_what_is_added_is_written_without_being_asked_for(tmp_path: Path) -> None:
    async with opened(tmp_path, flush_seconds=0.001) as history:
        for each in entries(3):
            history.add(each)
            async with asyncio.timeout(30):
                while history.state.waiting:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
        assert history.state.written == 3


async def test_a_closed_history_is_quiet(tmp_path: Path) -> None:
    async with opened(tmp_path) as history:
        await keep(history, [entry()])
    await asyncio.gather(history.close(), history.close())
    history.add(entry())
    await history.flush()
    assert await history.current_periods() == {}
    assert await everything(history) == []
    assert (history.state.written, history.state.lost) == (1, 1)


async def test_a_flush_that_is_given_up_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as history:
        kept = entries(5000)
        for each in kept:
            history.add(each)
        flushing = asyncio.create_task(history.flush())
        await asyncio.sleep(0)
        flushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flushing
        await history.flush()
        assert await everything(history) == kept


async def test_when_too_many_wait_the_oldest_are_lost_and_counted() -> None:
    async with opened(None) as history:
        for each in entries(MAX_WAITING + 10):
            history.add(each)
        assert (history.state.waiting, history.state.lost) == (MAX_WAITING, 10)
        await history.flush()
        first, *_ = await history.recent(-math.inf, most=MAX_WAITING - 1)
        assert first.message == "11"


@pytest.mark.parametrize(
    ("hostile", "kept"),
    [
        ("\udc80 alone", "? alone"),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("'; DROP TABLE entries; --", "'; DROP TABLE entries; --"),
        ("x" * 501, "x" * 499 + "…"),
        ("𝄞" * 10_000, "𝄞" * 499 + "…"),
    ],
    ids=["surrogate", "NUL", "SQL", "long", "very long"],
)
async def test_no_text_breaks_writing(tmp_path: Path, hostile: str, kept: str) -> None:
    labels = (("provider", hostile),)
    texts: dict[str, Any] = dict.fromkeys(("check", "phase", "cause", "message"), hostile)
    async with opened(tmp_path) as history:
        await keep(history, [entry(**texts, samples=((hostile, labels, 1.0),))])
        [found] = await everything(history)
        assert (found.check, found.phase, found.cause, found.message) == (kept,) * 4
        assert found.samples == ((kept, labels, 1.0),)
        assert set(await history.current_periods()) == {kept}


async def test_values_that_are_no_numbers_are_not_measured(tmp_path: Path) -> None:
    values = [math.nan, math.inf, -math.inf, None, 2.0]
    samples = tuple(("probe_toy", (), value) for value in (math.nan, math.inf, -math.inf))
    async with opened(tmp_path) as history:
        await keep(history, [entry(value=value, samples=samples) for value in values])
        found = await everything(history)
        assert [each.value for each in found] == [None, None, None, None, 2.0]
        nan, *infinite = (value for _, _, value in found[0].samples)
        assert math.isnan(nan)
        assert infinite == [math.inf, -math.inf]
        [bucket] = (await buckets(history, [NOON, NOON + 1]))["toy"]
        assert (bucket.median, bucket.greatest, bucket.verdicts) == (2.0, 2.0, {Verdict.OK: 5})


@pytest.mark.parametrize(
    "nonsense",
    [
        {"at": math.nan},
        {"at": math.inf},
        {"at": None},
        {"message": None},
        {"value": "much"},
        {"samples": (("probe_toy", (), None),)},
        {"samples": (("probe_toy", object(), 1.0),)},
        {"samples": ("probe_toy",)},
    ],
    ids=lambda nonsense: ",".join(nonsense),
)
async def test_an_entry_that_makes_no_sense_is_lost_alone(nonsense: dict[str, Any]) -> None:
    async with opened(None) as history:
        await keep(history, [entry(NOON), entry(**nonsense), entry(NOON + 1)])
        assert [each.at for each in await everything(history)] == [NOON, NOON + 1]
        assert (history.state.written, history.state.lost) == (2, 1)


async def test_of_too_many_recent_entries_the_newest_are_reported() -> None:
    async with opened(None) as history:
        await keep(history, entries(10))
        assert [e.message for e in await history.recent(NOON + 20, most=3)] == ["7", "8", "9"]
        assert [e.message for e in await history.recent(NOON + 80)] == ["8", "9"]


async def test_a_spell_begins_long_before_the_stretch_that_it_touches() -> None:
    async with opened(None) as history:
        troubled = entries(1000, NOON, verdict=Verdict.WARNING)
        await keep(history, [*troubled, entry(NOON + 10_000)])
        [spell] = (await history.unhealthy_periods(NOON + 9995, NOON + 9996))["toy"]
        assert (spell.start, spell.end, spell.entries) == (NOON, NOON + 10_000, 1000)
        assert await history.unhealthy_periods(NOON + 10_000, NOON + 20_000) == {}
        assert (await history.current_periods())["toy"].start == NOON + 10_000


async def test_the_newest_entry_of_a_check_is_found_however_old_it_is(tmp_path: Path) -> None:
    kept = [
        entry(NOON - 1e6, check="a", message="old"),
        entry(NOON - 9e5, Verdict.WARNING, check="a", message="newer"),
        *entries(50, check="b"),
    ]
    async with opened(tmp_path) as history:
        await keep(history, kept)
        found = await history.newest(["a", "b", "never"])
    assert [(each.check, each.message) for each in found] == [("a", "newer"), ("b", "49")]
