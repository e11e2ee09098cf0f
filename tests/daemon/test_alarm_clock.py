"""The alarm goes off once at the moment that was last set, and never before it."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from probe.daemon.alarm_clock import (
    MANY,
    SPACING_OF_MANY_SECONDS,
    SPACING_SECONDS,
    WINDOW_SECONDS,
    AlarmClock,
)


class Rung:
    """An alarm that is set to each of ``moments`` in turn, and when it went off."""

    def __init__(self) -> None:
        self.alarm = AlarmClock(time.monotonic, self._ring)
        self.moments: list[float] = []
        self.times: list[float] = []
        self.news = asyncio.Event()

    def _ring(self) -> None:
        self.times.append(time.monotonic())
        self.news.set()
        if self.moments:
            self.alarm.set(self.moments.pop(0))

    async def until(self, count: int) -> None:
        """Wait until it has gone off so often."""
        async with asyncio.timeout(30):
            while len(self.times) < count:
                self.news.clear()
                await self.news.wait()


@pytest.fixture
async def rung() -> AsyncIterator[Rung]:
    rung = Rung()
    rung.alarm.start()
    yield rung
    await rung.alarm.stop()


async def test_it_never_goes_off_early_however_far_the_moment_is(rung: Rung) -> None:
    start = time.monotonic()
    gaps = (0.05, 0.1, 0.15, 0.2 + WINDOW_SECONDS, 0.3 + WINDOW_SECONDS)
    rung.moments = [start + gap for gap in gaps]
    rung.alarm.set(start)
    await rung.until(1 + len(gaps))
    assert all(at >= start + gap for at, gap in zip(rung.times[1:], gaps, strict=True))


async def test_a_sooner_moment_replaces_a_later_one(rung: Rung) -> None:
    start = time.monotonic()
    rung.alarm.set(start)
    await rung.until(1)
    rung.alarm.set(start + 0.2)
    rung.alarm.set(start + 0.05)
    await rung.until(2)
    rung.alarm.set(None)
    await asyncio.sleep(0.25)
    assert len(rung.times) == 2


async def test_it_does_not_go_off_once_it_is_stopped(rung: Rung) -> None:
    rung.alarm.set(time.monotonic())
    await rung.until(1)
    rung.alarm.set(time.monotonic() + 0.05)
    await rung.alarm.stop()
    await asyncio.sleep(0.1)
    assert len(rung.times) == 1


@pytest.mark.parametrize(
    ("started", "spacing"),
    [(1, SPACING_SECONDS), (MANY - 1, SPACING_SECONDS), (MANY, SPACING_OF_MANY_SECONDS)],
)
async def test_checks_that_are_due_one_after_the_other_start_together(
    started: int, spacing: float
) -> None:
    rang = asyncio.Event()
    alarm = AlarmClock(time.monotonic, rang.set)
    alarm.start()
    start = time.monotonic()
    alarm.set(start)
    async with asyncio.timeout(30):
        await rang.wait()
        rang.clear()
        alarm.set(start, started)
        await rang.wait()
    waited = time.monotonic() - start
    await alarm.stop()
    assert waited > spacing
