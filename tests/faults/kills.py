"""Rounds of kill -9 on a real daemon whose target fails now and then, with receivers good and bad:
no outage is lost, none is doubled, none stays open, and every check has its turn.

``python -m tests.faults.kills [ROUNDS [WORKERS [SEED]]]`` prints the tally.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from msgspec import Struct

from alerts.state.machine import FLAP_CLEAR_SECONDS
from tests.faults.incident import launch
from tests.faults.kill_world import OTHERS, KillWorld

MIN_LIFE, MAX_LIFE = 1.0, 20.0
# A life of so long from its first look, within an outage, triggers it if the receiver accepts.
CERTAIN_SECONDS = 12.0
# What was received so shortly before a kill may be sent again: its answer was lost.
LOST_ANSWER_SECONDS = 2.0
# Outages that come again and again make the alert flap: it is resolved only after it has been good
# for so long, which no kill begins anew; then it has the time to be sent.
LAST_LIFE_SECONDS = FLAP_CLEAR_SECONDS + 120.0
FIRST_LOOK_SECONDS = 60.0

Events = Sequence[tuple[float, str, str]]


@dataclass
class Tally:
    """What many rounds did to outages; all but the first two for each good receiver.

    ``certain`` outages were long enough in a life that they have to be sent. ``repeated`` came
    again after a kill that may have lost the answer. ``never_ran`` are checks that no life ran.
    """

    rounds: int = 0
    outages: int = 0
    certain: int = 0
    lost: int = 0
    doubled: int = 0
    repeated: int = 0
    open: int = 0
    never_ran: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        names = self.__dataclass_fields__
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def is_clean(self) -> bool:
        """Nothing lost, doubled, left open or left out."""
        return not (self.lost or self.doubled or self.open or self.never_ran)

    def __str__(self) -> str:
        return ", ".join(f"{name} {getattr(self, name)}" for name in self.__dataclass_fields__)


class Life(Struct, frozen=True):
    """A daemon from its first look at the target to its kill."""

    start: float
    end: float


async def rounds(count: int, seed: int, folder: Path) -> Tally:
    """So many lives, each ended by kill -9, and a last one that ends everything."""
    random, lives, kills = Random(seed), list[Life](), list[float]()
    world = KillWorld()
    async with world.serve():
        values = world.configure(folder)
        async with world.outages_by(random):
            for _ in range(count):
                lives += await _life(world, folder, values, random)
                kills.append(time.monotonic())
        daemon = await launch(folder, values)
        try:
            await _until_closed(world)
        finally:
            daemon.terminate()
            await daemon.wait()
    never = set(OTHERS) - world.looked_at_others if count >= len(OTHERS) else set()
    first = Tally(count, len(world.outages), never_ran=len(never) + (not lives))
    return sum((_tally(world, each, lives, kills) for each in world.received), first)


async def _life(
    world: KillWorld, folder: Path, values: dict[str, str], random: Random
) -> list[Life]:
    """One daemon until its kill; empty if it never looked at the target."""
    looks, daemon = world.looks, await launch(folder, values)
    if random.random() < 0.5:
        # Else it may be killed in the middle of its start.
        await world.until(lambda: world.looks > looks, "look", FIRST_LOOK_SECONDS)
    await asyncio.sleep(random.uniform(MIN_LIFE, MAX_LIFE))
    daemon.kill()
    await daemon.wait()
    seen = world.looked_at[looks:]
    return [Life(seen[0], time.monotonic())] if seen else []


async def _until_closed(world: KillWorld) -> None:
    """Until nothing is open for a while, in which nothing false is triggered."""
    end = time.monotonic() + LAST_LIFE_SECONDS
    quiet = 0
    while time.monotonic() < end and quiet < 10:
        await asyncio.sleep(1.0)
        quiet = 0 if any(map(world.open_keys, world.received)) else quiet + 1


def _tally(world: KillWorld, receiver: str, lives: Sequence[Life], kills: Sequence[float]) -> Tally:
    left, about = world.open_keys(receiver), world.about_target(receiver)
    found = Tally(open=len(left))
    if left:
        print(f"{receiver}: open at the end: {', '.join(sorted(left))}")
    for start, end in world.outages:
        # In the first third PagerDuty may refuse.
        accepts = start + (end - start) / 3 if receiver == "pagerduty" else start
        ran = max((min(end, life.end) - max(accepts, life.start) for life in lives), default=0.0)
        if ran >= CERTAIN_SECONDS:
            found.certain += 1
            if not _is_open_within(about, start, end):
                found.lost += 1
                print(f"{receiver}: lost {start:.1f} to {end:.1f}, of which {ran:.1f} s in a life")
    opened: dict[str, float] = {}
    for at, action, key in about:
        if action == "resolve":
            opened.pop(key, None)
        elif key in opened:
            first = opened[key]
            was_lost = any(0 <= kill - first < LOST_ANSWER_SECONDS for kill in kills)
            found.repeated, found.doubled = (
                found.repeated + was_lost,
                found.doubled + (not was_lost),
            )
        else:
            opened[key] = at
    return found


def _is_open_within(about: Events, start: float, end: float) -> bool:
    """Whether something is open, by what was sent, between two times."""
    return any(
        action == "trigger"
        and at <= end + 5.0
        and not any(other == "resolve" and at < then < start for then, other, _ in about)
        for at, action, _ in about
    )


async def all_rounds(count: int, workers: int, seed: int) -> Tally:
    """So many rounds, shared by several daemons at the same time."""
    with tempfile.TemporaryDirectory() as folder:
        folders = [Path(folder, str(place)) for place in range(workers)]
        for each in folders:
            each.mkdir()
        jobs = [rounds(count // workers, seed + n, each) for n, each in enumerate(folders)]
        return sum(await asyncio.gather(*jobs), Tally())


def main() -> int:
    """Print the tally; 1 if anything was lost, doubled, left open or left out."""
    given = [int(each) for each in sys.argv[1:]]
    count, workers, seed = (*given, *(200, 4, 1)[len(given) :])
    tally = asyncio.run(all_rounds(count, workers, seed))
    print(tally)
    return 0 if tally.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
