"""What refers to itself is freed in a moment without a running check, and not too often."""

import asyncio
import subprocess
import sys
import weakref
from collections.abc import Callable

import pytest

from probe.daemon.self_monitoring import garbage_loop
from probe.daemon.self_monitoring.garbage_loop import GarbageLoop


class Circle:
    """Refers to itself, as a connection and its protocol do."""

    def __init__(self) -> None:
        self.me = self


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that goes on by so much with each look at it."""
    now = 0.0

    def look() -> float:
        nonlocal now
        now += seconds
        return now

    return look


@pytest.mark.parametrize(("took", "pause"), [(0.0, 10.0), (0.002, 10.0), (0.05, 50.0)])
def test_a_dear_collection_comes_less_often(took: float, pause: float) -> None:
    loop = GarbageLoop(lambda: True, cpu=ticking(took), collect=lambda: None)
    assert loop.collect_once() == pytest.approx(pause)


def test_a_collection_that_waits_for_the_processor_comes_as_often() -> None:
    loop = GarbageLoop(lambda: True, ticking(100.0), ticking(0.002), lambda: None)
    assert loop.collect_once() == garbage_loop.PAUSE_SECONDS


async def test_it_waits_for_a_moment_without_a_running_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(garbage_loop, "PAUSE_SECONDS", 0.0)
    collected, running = asyncio.Event(), [True] * 3
    asked: list[bool] = []

    def is_idle() -> bool:
        asked.append(collected.is_set())
        if running:
            running.pop()
            return False
        return True

    async with asyncio.timeout(60):
        task = asyncio.create_task(GarbageLoop(is_idle, collect=collected.set).run())
        await collected.wait()
    task.cancel()
    assert asked[:4] == [False] * 4


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage_loop, "PAUSE_SECONDS", 0.0)
    collected = asyncio.Event()
    loop = GarbageLoop(lambda: False, ticking(garbage_loop.PATIENCE_SECONDS), collect=collected.set)
    async with asyncio.timeout(60):
        task = asyncio.create_task(loop.run())
        await collected.wait()
    task.cancel()


def test_a_circle_of_references_is_freed() -> None:
    circle = weakref.ref(Circle())
    GarbageLoop(lambda: True).collect_once()
    assert circle() is None


def test_what_was_loaded_does_not_delay_it() -> None:
    """By itself the collector waits until a quarter more objects are there than it last saw."""
    code = """
import weakref
from probe.daemon.self_monitoring.garbage_loop import settle_garbage_collector
class Circle:
    def __init__(self):
        self.me = self
loaded = [[] for _ in range(800_000)]
settle_garbage_collector()
circle = weakref.ref(Circle())
kept = [[] for _ in range(150_000)]
print(circle() is None)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
