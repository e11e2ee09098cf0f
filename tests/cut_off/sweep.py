"""Runs that are cut off at each turn of the event loop, and what they leave behind."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar, cast

from msgspec import Struct

from probe.core.context import Context
from probe.core.kind import Check
from probe.core.model import Result, Status
from probe.core.runner import run_check
from tests.cut_off.stepped_loop import SteppedLoop
from tests.leaks import Footprint

NEVER = 1 << 30
_DRAIN, _GRACE, _LOOK = 30.0, 60.0, 0.5
_OURS = ("/probe/", "/aiortc/", "/aioice/")

T = TypeVar("T")
Held = Callable[[], int]
Work = Callable[[Context], Awaitable[object]]


class Cut(Struct, frozen=True):
    """A run is cancelled at this turn. With ``drain`` its clean-ups are cancelled so many turns
    later, as when the daemon ends; without, they have all the time that they need."""

    turn: int
    drain: int | None = None


class CutRun(Struct, frozen=True):
    """How many turns it had, its result (None where it was cut off), and what it has left."""

    turns: int
    result: object
    left: list[str]


def run_stepped(main: Callable[[], Awaitable[T]]) -> T:
    """Run in a loop that is counted. The collector would close what was left: it waits."""
    with _no_collection(), asyncio.Runner(loop_factory=SteppedLoop) as runner:
        return runner.run(_run(main))


async def _run(main: Callable[[], Awaitable[T]]) -> T:
    return await main()


async def cut_off(work: Work, cut: Cut, held: Held = lambda: 0) -> CutRun:
    """Run what is cut off there. ``held`` is how many allocations the servers of this
    process hold: of one whose deletion was cut off, the relay's socket stays until it expires."""
    loop = cast(SteppedLoop, asyncio.get_running_loop())
    context, before, at_first = Context(clock=loop.time), Footprint.now(), held()
    task = asyncio.ensure_future(work(context))
    drains: list[asyncio.Task[None]] = []

    def cancel() -> None:
        if task.cancel() and cut.drain is not None:
            drains.append(loop.create_task(_drain_after(cut.drain, context)))

    loop.act_at(cut.turn, cancel)
    await asyncio.wait({task})
    turns = loop.turns
    loop.act_at(NEVER, cancel)
    await asyncio.gather(*drains)
    await context.closing.drain(timeout=_DRAIN)
    left = await _left(before, lambda: held() - at_first if cut.drain is not None else 0)
    return CutRun(turns, None if task.cancelled() else task.result(), left)


async def what_is_left(
    check: Check,
    *,
    every: int,
    drains: Iterable[int | None],
    is_fine: bool | None = True,
    held: Held = lambda: 0,
) -> list[str]:
    """What is left of a check's run that is cut off at each ``every``-th turn, for each of the
    drains; ``is_fine`` is whether it succeeds where it is not, None where that is open."""

    def is_as_expected(result: object) -> bool:
        assert isinstance(result, Result)
        assert is_fine in (None, result.status is Status.OK), result.failure
        return True

    work = partial(run_check, check)
    return await left_of(work, every=every, drains=drains, is_whole=is_as_expected, held=held)


async def left_of(
    work: Work,
    *,
    every: int,
    drains: Iterable[int | None],
    is_whole: Callable[[object], bool],
    held: Held = lambda: 0,
) -> list[str]:
    """The same of whatever runs; ``is_whole`` says of its result whether it came to its end."""
    await cut_off(work, Cut(NEVER))  # what is made once, and stays
    whole = await cut_off(work, Cut(NEVER))
    assert is_whole(whole.result)
    assert whole.left == []
    found: list[str] = []
    for number, drain in enumerate(drains):
        for turn in range(1 + number % every, whole.turns, every):
            each = await cut_off(work, Cut(turn, drain), held)
            found += [f"cut off at {turn}, drained {drain}: {line}" for line in each.left]
    return found


async def _drain_after(turns: int, context: Context) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
    await context.closing.drain(timeout=0)


async def _left(before: Footprint, of_servers: Held) -> list[str]:
    """Descriptors, and tasks of the probe: the server's own are closed by its own timers."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _GRACE
    while True:
        grown = before.grown_to(Footprint.now())
        left = [line for line in grown if line.startswith("descriptor") or _is_of_probe(line)]
        if len(left) <= of_servers():
            return []
        if loop.time() > until:
            return left
        await asyncio.sleep(_LOOK)


def _is_of_probe(task: str) -> bool:
    """Or of the libraries that only the probe uses."""
    return "/probe/lab/" not in task and any(name in task for name in _OURS)


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
