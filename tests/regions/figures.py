"""What a cluster costs when it is calm, and how soon it pages: with one, three and five probes, all
in the same run."""

import asyncio
import json
import statistics
import sys

from msgspec import Struct
from msgspec.structs import asdict

from tests.regions.lab import Lab, checks
from tests.regions.member import Member

SIZES = (1, 3, 5)
# Checks run every 2 s and fire after 3 s, so that the cluster's own share shows.
OUTAGES, INTERVAL = 3, 2.0


class Figures(Struct, frozen=True):
    """``cpu`` is the share of a core of one member, ``traffic`` bytes a second of its link and
    ``memory`` megabytes, all when calm. ``pages`` are seconds from the fault to the page,
    ``chats`` to the first message that people read."""

    members: int
    cpu: float
    traffic: float
    memory: float
    pages: tuple[float, ...]
    chats: tuple[float, ...]


async def measure(members: int, calm: float) -> Figures:
    """The figures of one cluster; ``calm`` is for how many seconds its cost is measured."""
    config = checks(OUTAGES, interval=INTERVAL)
    async with Lab(members, config=config, targets=OUTAGES) as lab:
        if members == 1:
            lab.members[0].options.pop("PROBE_PEERS")
        await lab.start()
        cost = await _cost(lab.members, calm)
        pages, chats = list[float](), list[float]()
        for lab.number in range(OUTAGES):
            lab.fail()
            began = asyncio.get_running_loop().time()
            await lab.until(lambda: lab.page.is_open and lab.said("firing") > 0, "notified")
            pages.append(lab.page.opened[0] - began)
            chats.append(lab.outside.chat(lab.key)[0][0] - began)
            lab.recover()
            await lab.until(lab.is_calm, "calm")
    return Figures(members, *cost, tuple(pages), tuple(chats))


async def _cost(members: list[Member], seconds: float) -> tuple[float, float, float]:
    cpu = [each.cpu() for each in members]
    traffic = [each.place.traffic() for each in members]
    await asyncio.sleep(seconds)
    used = [each.cpu() - before for each, before in zip(members, cpu, strict=True)]
    sent = [each.place.traffic() - before for each, before in zip(members, traffic, strict=True)]
    memory = statistics.mean(each.memory() for each in members)
    return statistics.mean(used) / seconds, statistics.mean(sent) / seconds, memory


async def compare(calm: float) -> str:
    """A table of the clusters, which run at the same time, each in a network of its own."""

    async def one(members: int) -> Figures:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.regions", "figures"),
            *("--members", str(members), "--calm", str(calm)),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        return Figures(**json.loads(out.decode().splitlines()[-1]))

    return as_table(await asyncio.gather(*map(one, SIZES)))


def as_table(found: list[Figures]) -> str:
    """The table for the docs; cost is what a member has more than a lone probe."""
    alone = found[0]
    rows = [
        "| probes | page, median (range) | first message | CPU of one | traffic of one | memory |",
        "|---:|---|---|---:|---:|---:|",
    ]
    for each in found:
        rows.append(
            f"| {each.members} | {_span(each.pages)} | {_span(each.chats)} "
            f"| {each.cpu:.1%} of a core ({each.cpu - alone.cpu:+.1%}) "
            f"| {each.traffic:.0f} B/s ({each.traffic - alone.traffic:+.0f}) "
            f"| {each.memory:.0f} MB |"
        )
    return "\n".join(rows)


def _span(seconds: tuple[float, ...]) -> str:
    return f"{statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})"


def as_json(found: Figures) -> str:
    """One line."""
    return json.dumps(asdict(found))
