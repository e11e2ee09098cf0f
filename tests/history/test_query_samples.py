"""What history costs: bytes for an entry, seconds for writing and for answers."""

import tempfile
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from probe.core.model import Verdict
from probe.history import Retention
from tests.history.history_builders import buckets, keep, opened
from tests.history.period_builders import DOZEN, NOON, bucket_edges, entry

CHECKS = 20
RUNS = 100_000
EVERY_SECONDS = 30.0
TROUBLED_EVERY = 5000
MAX_BYTES = 300
MIN_PER_SECOND = 1000
MAX_SECONDS = 0.5


@contextmanager
def within(name: str, most: float) -> Iterator[None]:
    """Prints how long it took, and fails if that was more than ``most`` seconds."""
    started = time.perf_counter()
    yield
    took = time.perf_counter() - started
    print(f"{name}: {took * 1000:.1f} ms")
    assert took < most, name


async def asked(name: str, answer: Awaitable[object]) -> None:
    with within(name, MAX_SECONDS):
        assert await answer


@pytest.mark.proof
async def test_two_million_entries_are_small_and_answer_at_once() -> None:
    now = NOON + RUNS * EVERY_SECONDS
    bounds = Retention(seconds=10 * RUNS * EVERY_SECONDS, bytes=4 << 30)
    names = [f"check-{number}" for number in range(CHECKS)]
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder), now=lambda: now, bounds=bounds) as history:
            count, written = 0, 0.0
            for run in range(RUNS):
                verdict = Verdict.CRITICAL if run % TROUBLED_EVERY == 1 else Verdict.OK
                at = NOON + run * EVERY_SECONDS
                for name in names:
                    history.add(entry(at, verdict, name, value=run % 97 / 97, samples=DOZEN))
                count += CHECKS
                if run % 100 == 99:
                    started = time.perf_counter()
                    await history.flush()
                    written += time.perf_counter() - started
            state = history.state
            assert (state.written, state.lost) == (count, 0)
            print(f"{count} entries: {state.bytes / count:.0f} bytes each")
            print(f"written: {count / written:.0f} a second")
            assert state.bytes / count < MAX_BYTES
            assert count / written > MIN_PER_SECOND
            day = now - 86400
            await asked("current periods", history.current_periods())
            await asked("a day in 96 buckets", buckets(history, bucket_edges(day, now, 96)))
            await asked("troubles of all time", history.unhealthy_periods(0, now))
            await asked(
                "troubles of the last 5000 runs", history.unhealthy_periods(now - 150_000, now)
            )
            await asked("the last ten minutes", history.recent(now - 600))
            with within("a batch of 20", MAX_SECONDS):
                await keep(history, [entry(now, check=name, samples=DOZEN) for name in names])
