"""Rounds of kill -9 on a real daemon whose target fails now and then, with a receiver that refuses
at times: no outage is lost, none is doubled, none stays open.

``python -m tests.faults.kills [ROUNDS [WORKERS [SEED]]]`` prints the tally.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random

from aiohttp import web

from tests.faults.incident import Surroundings, start

SHORTEST_LIFE, LONGEST_LIFE = 1.0, 20.0
# A life of so long from its first look, within an outage, triggers it if the receiver accepts.
CERTAIN_SECONDS = 12.0
# What was received so shortly before a kill may be sent again: its answer was lost.
LOST_ANSWER_SECONDS = 2.0
LAST_LIFE_SECONDS = 120.0


@dataclass
class Tally:
    """What many rounds did to outages."""

    rounds: int = 0
    outages: int = 0
    certain: int = 0
    lost: int = 0
    doubled: int = 0
    open: int = 0
    never_ran: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        names = self.__dataclass_fields__
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def is_clean(self) -> bool:
        """Nothing lost, doubled or left open."""
        return not (self.lost or self.doubled or self.open or self.never_ran)

    def __str__(self) -> str:
        return ", ".join(f"{name} {getattr(self, name)}" for name in self.__dataclass_fields__)


@dataclass
class _World(Surroundings):
    """Surroundings that write down when what came, and refuse at times."""

    received: list[tuple[float, str, str]] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.refuses = False
        self.looked_at: list[float] = []

    def first_after(self, looks: int) -> float:
        """When the look after so many came."""
        return self.looked_at[looks]

    async def _target(self, request: web.Request) -> web.Response:
        self.looked_at.append(time.monotonic())
        return await super()._target(request)

    def accepts(self) -> bool:
        """Whether the receiver takes what comes."""
        return not self.refuses

    def note(self, action: str, key: str) -> None:
        """An event was accepted."""
        self.received.append((time.monotonic(), action, key))


async def rounds(count: int, seed: int, folder: Path) -> Tally:
    """So many lives, each ended by kill -9, and a last one that ends everything."""
    random, lives = Random(seed), list[tuple[float, float]]()
    async with _World().serve() as served:
        world = served
        assert isinstance(world, _World)
        async with _trouble(world, random):
            for _ in range(count):
                looks, daemon = world.looks, await start(world, folder)
                if random.random() < 0.5:
                    # Else it may be killed in the middle of its start.
                    await world.until(partial(_has_looked, world, looks), "look")
                looking = time.monotonic()
                await asyncio.sleep(random.uniform(SHORTEST_LIFE, LONGEST_LIFE))
                daemon.kill()
                await daemon.wait()
                if world.looks > looks:
                    lives.append((max(looking, world.first_after(looks)), time.monotonic()))
        daemon = await start(world, folder)
        try:
            await _until_closed(world)
        finally:
            daemon.terminate()
            await daemon.wait()
        return replace(_tally(world, lives), rounds=count)


@asynccontextmanager
async def _trouble(world: _World, random: Random) -> AsyncIterator[None]:
    task = asyncio.create_task(_make_trouble(world, random))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if world.is_down:
            world.outages[-1] = (world.outages[-1][0], time.monotonic())
        world.is_down = world.refuses = False


async def _make_trouble(world: _World, random: Random) -> None:
    """Outages with pauses, and a receiver that refuses in a part of them."""
    while True:
        await asyncio.sleep(random.uniform(5.0, 30.0))
        world.is_down = True
        world.outages.append((time.monotonic(), float("inf")))
        lasts = random.uniform(20.0, 60.0)
        world.refuses = random.random() < 0.3
        await asyncio.sleep(lasts / 3)
        world.refuses = False
        await asyncio.sleep(2 * lasts / 3)
        world.is_down = False
        world.outages[-1] = (world.outages[-1][0], time.monotonic())


def _has_looked(world: _World, before: int) -> bool:
    return world.looks > before


def _open_keys(world: _World) -> set[str]:
    found: set[str] = set()
    for _, action, key in world.received:
        if action == "trigger":
            found.add(key)
        else:
            found.discard(key)
    return {key for key in found if "probe-itself" not in key}


async def _until_closed(world: _World) -> None:
    """Until nothing is open; by then it has had the time to trigger nothing false."""
    end = time.monotonic() + LAST_LIFE_SECONDS
    quiet = 0
    while time.monotonic() < end and quiet < 10:
        await asyncio.sleep(1.0)
        quiet = 0 if _open_keys(world) else quiet + 1


def _tally(world: _World, lives: list[tuple[float, float]]) -> Tally:
    """``lives`` are from the first look at the target to the kill."""
    kills = [end for _, end in lives]
    found = Tally(outages=len(world.outages), never_ran=int(not lives))
    found.open = len(_open_keys(world))
    about = [each for each in world.received if "probe-itself" not in each[2]]
    for start_at, end in world.outages:
        # In the first third the receiver may refuse.
        accepts = start_at + (end - start_at) / 3
        ran = max((min(end, life[1]) - max(accepts, life[0]) for life in lives), default=0.0)
        if ran < CERTAIN_SECONDS:
            continue
        found.certain += 1
        if not any(_is_open_within(about, start_at, end)):
            found.lost += 1
    opened: dict[str, float] = {}
    for at, action, key in about:
        if action == "resolve":
            opened.pop(key, None)
        elif key in opened and not any(
            0 <= kill - opened[key] < LOST_ANSWER_SECONDS for kill in kills
        ):
            found.doubled += 1
        else:
            opened[key] = at
    return found


def _is_open_within(about: list[tuple[float, str, str]], start: float, end: float) -> list[bool]:
    """For each event whether it says that something is open between two times."""
    return [
        action == "trigger"
        and at <= end + 5.0
        and not any(other == "resolve" and at < then < start for then, other, _ in about)
        for at, action, _ in about
    ]


async def all_rounds(count: int, workers: int, seed: int) -> Tally:
    """So many rounds, shared by several daemons at the same time."""
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder, str(place)) for place in range(workers)]
        for each in folders:
            each.mkdir()
        jobs = [rounds(count // workers, seed + n, each) for n, each in enumerate(folders)]
        return sum(await asyncio.gather(*jobs), Tally())


def main() -> int:
    """Print the tally; 1 if anything was lost, doubled or left open."""
    given = [int(each) for each in sys.argv[1:]]
    count, workers, seed = (*given, *(200, 4, 1)[len(given) :])
    tally = asyncio.run(all_rounds(count, workers, seed))
    print(tally)
    return 0 if tally.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
