"""When Python's garbage collector runs.

What refers to itself in a circle, as a connection and its protocol, or a task and the exception
that ended it, is freed by the collector alone, with all memory of TLS and codecs that hangs on
it. Left alone, the collector waits for so many new objects that a daemon with a check a second
keeps half an hour of it.
"""

import asyncio
import gc
import time
from collections.abc import Callable

from msgspec import Struct, field

# New objects until the youngest are scanned (Python's default is 700), scans of them until the
# middle generation is scanned, and scans of that until everything is.
THRESHOLDS = (5000, 5, 2)
PAUSE_SECONDS = 10.0
# A collection takes 2 ms of CPU; one of many objects comes so much less often.
MAX_SHARE = 1 / 1000
# What so many objects leave to scan is kept out of later scans: 20,000 take 5 to 10 ms.
SETTLE_OBJECTS, SETTLE_SHARE = 20_000, 1 / 3
# A collection waits so long for a moment without a running check, whose times it would stretch.
PATIENCE_SECONDS = 5.0
_AGAIN_SECONDS = 0.1


def settle_garbage_collector() -> None:
    """What is loaded by now stays: keep the garbage collector from scanning it again, and from
    scanning what a few checks leave, nearly all of which is freed without it."""
    gc.collect()
    gc.freeze()
    # The oldest generation is scanned once it has grown by a quarter since it was last: it is
    # empty now.
    gc.collect()
    gc.set_threshold(*THRESHOLDS)


class Settling:
    """Keeps what has come to stay since the start out of later scans: each check's settings, state
    and series, which its first runs make. Without it a scan takes a quarter of a second with 5,000
    checks, which every running check would be late by.

    It is done again once what is scanned has become a third of what is kept out, as after a new
    configuration, and then everything is scanned first: what was kept out and has become garbage
    is freed. That is seldom, because a check's results replace each other.
    """

    def __init__(self) -> None:
        self._is_settled = False

    def settle(self) -> None:
        """To be called after a collection."""
        scanned = len(gc.get_objects())
        if scanned < SETTLE_OBJECTS:
            return
        if self._is_settled:
            if scanned < gc.get_freeze_count() * SETTLE_SHARE:
                return
            gc.unfreeze()
            gc.collect()
        gc.freeze()
        self._is_settled = True


class GarbageLoop(Struct, frozen=True):
    """Frees what refers to itself every ``PAUSE_SECONDS``, at a moment without a running check
    if one comes soon: ``is_idle`` says so. ``clock`` is the monotonic clock. ``cpu`` are seconds
    of CPU: how long a collection takes on a busy machine says nothing of what it costs. ``settle``
    is called after each."""

    is_idle: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    cpu: Callable[[], float] = time.thread_time
    collect: Callable[[], object] = gc.collect
    settle: Callable[[], object] = field(default_factory=lambda: Settling().settle)

    async def run(self) -> None:
        """Collect until cancelled."""
        pause = PAUSE_SECONDS
        while True:
            await asyncio.sleep(pause)
            patience = self.clock() + PATIENCE_SECONDS
            while not self.is_idle() and self.clock() < patience:  # noqa: ASYNC110 - a moment
                await asyncio.sleep(_AGAIN_SECONDS)
            pause = self.collect_once()

    def collect_once(self) -> float:
        """Collect now; how many seconds to wait until the next time."""
        started = self.cpu()
        self.collect()
        taken = self.cpu() - started
        self.settle()
        return max(PAUSE_SECONDS, taken / MAX_SHARE)
