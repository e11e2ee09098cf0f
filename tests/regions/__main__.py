"""``python -m tests.regions NAME…``: situations with real daemons; without a name, the list."""

import asyncio
import sys

from tests.regions import network
from tests.regions.lab import Broken
from tests.regions.partitions import PARTITIONS
from tests.regions.processes import PROCESSES
from tests.regions.setups import SETUPS
from tests.regions.situation import Situation

SITUATIONS = {each.name: each for each in (*PARTITIONS, *PROCESSES, *SETUPS)}


def run(situation: Situation) -> int:
    """Run one situation in a network of its own; the exit code."""
    network.enter()
    print(f"{situation.name}: {situation.promise}", flush=True)
    try:
        asyncio.run(situation.run())
    except Broken as broken:
        print(f"FAIL {situation.name}: {broken}")
        return 1
    print(f"PASS {situation.name}")
    return 0


def main(names: list[str]) -> int:
    """The exit code: 1 if a promise was broken."""
    for name in names[:1]:
        return run(SITUATIONS[name])
    for each in SITUATIONS.values():
        print(f"{each.name}: {each.promise}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
