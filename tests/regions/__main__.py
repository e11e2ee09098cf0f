"""Real daemons in namespaces, from the command line."""

import asyncio
import sys

import click

from tests.regions import chaos, figures, network
from tests.regions.changes import CHANGES
from tests.regions.lab import Broken
from tests.regions.partitions import PARTITIONS
from tests.regions.processes import PROCESSES
from tests.regions.setups import SETUPS

SITUATIONS = {each.name: each for each in (*PARTITIONS, *PROCESSES, *SETUPS, *CHANGES)}


@click.group()
def main() -> None:
    """Real daemons, each in a network namespace of its own. Needs root."""


@main.command("list")
def list_them() -> None:
    """Every situation and its promise."""
    for each in SITUATIONS.values():
        print(f"{each.name}{'' if each.proof else ' (nightly)'}: {each.promise}")


@main.command()
@click.argument("name", type=click.Choice(sorted(SITUATIONS)))
def situation(name: str) -> None:
    """Run one situation; exit 1 if a promise is broken."""
    network.enter()
    chosen = SITUATIONS[name]
    print(f"{chosen.name}: {chosen.promise}", flush=True)
    try:
        asyncio.run(chosen.run())
    except Broken as broken:
        print(f"FAIL {name}: {broken}")
        sys.exit(1)
    print(f"PASS {name}")


@main.command("chaos")
@click.option("--members", default=3, help="How many probes.")
@click.option("--faults", default=20, help="At most so many faults.")
@click.option("--seed", default=1, help="From which they follow.")
@click.option("--seconds", default=3600.0, help="No fault begins later than that.")
def inflict(members: int, faults: int, seed: int, seconds: float) -> None:
    """Random faults, and a tally of what was heard; exit 1 if a promise is broken."""
    network.enter()
    outcomes = asyncio.run(chaos.run(faults, members, seed, seconds))
    print(f"{members} probes, seed {seed}: {chaos.tally(outcomes)}")
    sys.exit(any(each.problems for each in outcomes))


@main.command("figures")
@click.option("--members", default=3, help="How many probes.")
@click.option("--calm", default=60.0, help="Seconds for which the cost is measured.")
def measure(members: int, calm: float) -> None:
    """Cost when calm and time to page of one cluster, as JSON in the last line."""
    network.enter()
    print(figures.as_json(asyncio.run(figures.measure(members, calm))))


@main.command("compare")
@click.option("--calm", default=60.0, help="Seconds for which the cost is measured.")
def compare(calm: float) -> None:
    """The same for one, three and five probes at the same time, as a table."""
    print(asyncio.run(figures.compare(calm)))


if __name__ == "__main__":
    main()
