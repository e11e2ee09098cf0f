"""The member that notifies people is killed by SIGKILL at a random moment, while one outage is
paged, one is silenced, one is in a maintenance window, and a warning waits for its group: what is
promised of a take-over, in many rounds.

``python -m tests.faults.takeover [ROUNDS [MEMBERS [SEED]]]`` prints what was broken; needs root.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from random import Random
from typing import Any

import aiohttp
from msgspec import Struct

from tests.regions import network
from tests.regions.changes import probe_command
from tests.regions.lab import CHECK, Broken, Lab
from tests.regions.member import PORT, TOKEN, Member

# Each round has one target of each: the fourth outage of one in an hour would be flapping.
KINDS = ("paged", "silenced", "window", "warning")
# A chat may have a message twice whose sender was killed before any member asked it.
ASKED_SECONDS = 12.0
# Somebody takes an incident on after so long.
TAKEN_SECONDS = 8.0
# What a majority sees for so long is sent.
TRIGGER_SECONDS = 33.0
# A member is behind by so much when it says since when something fails.
SINCE_SECONDS = 12.0
WINDOWS = """
[[maintenance]]
name = "work"
reason = "work"
matches = [{names}]
start = 2020-01-01T00:00:00Z
end = 2099-01-01T00:00:00Z

[[route]]
severities = ["critical"]
notify = ["pagerduty", "webhook", "slack", "alertmanager"]
repeat_interval = 60

[[route]]
notify = ["webhook", "slack", "alertmanager"]
group_wait = 6
repeat_interval = 60
"""


class Round(Struct, frozen=True):
    """When, in seconds after the outages begin: the kill of the first member, that of another
    one (none: inf), the start of both, the end of the outages."""

    kill: float
    second_kill: float
    back: float
    end: float
    acknowledged: bool

    @property
    def starts(self) -> tuple[float, float]:
        """When whoever does not run is started: after the second time everybody runs."""
        killed = max(each for each in (self.kill, self.second_kill) if each < float("inf"))
        return self.back, max(self.back, self.end + 1.0, killed + 1.0)

    def is_certain(self, members: int) -> bool:
        """Whether a majority always runs while the outages last, or for as long as a trigger may
        take: what fewer see for a short time may be sent by nobody."""
        dead = [
            (kill, min((at for at in self.starts if at > kill), default=self.end))
            for kill in (self.kill, self.second_kill)
        ]
        lost = max(start for start, _ in dead), min(end for _, end in dead)
        many = members - len(dead) > members / 2
        if many or lost[0] >= min(lost[1], self.end):
            return True
        return max(lost[0], self.end - lost[1]) >= TRIGGER_SECONDS


def drawn(random: Random) -> Round:
    """A round by chance."""
    kill = random.choice([random.uniform(0.0, 12.0), random.uniform(0.0, 40.0)])
    second = random.choice([float("inf"), float("inf"), kill + random.uniform(0.0, 25.0)])
    back = kill + random.choice([0.0, random.uniform(0.0, 30.0)])
    # The outages may be over at the moment of a kill.
    near = max(20.0, min(second, kill) + random.uniform(-4.0, 4.0))
    end = random.choice([near, random.uniform(20.0, 45.0), random.uniform(70.0, 90.0)])
    return Round(kill, second, back, end, random.random() < 0.7)


def config(rounds: int) -> str:
    """``probe.toml`` with the targets of so many rounds."""
    checks = []
    for index in range(len(KINDS) * rounds):
        text = CHECK.format(index=index, interval=4)
        if KINDS[index % len(KINDS)] == "warning":
            text = text.replace('severity = "critical"', 'severity = "warning"')
        checks.append(text)
    names = ", ".join(f'"t{index}"' for index in _of("window", rounds))
    return "".join(checks) + WINDOWS.format(names=names)


def _of(kind: str, rounds: int) -> list[int]:
    return list(range(KINDS.index(kind), len(KINDS) * rounds, len(KINDS)))


class Takeover:
    """``rounds`` on one cluster; ``wrong`` is what was broken."""

    def __init__(self, lab: Lab, rounds: int, random: Random) -> None:
        self._lab, self._rounds, self._random = lab, rounds, random
        self.wrong: list[str] = []

    async def play(self) -> None:
        """All of them."""
        silenced = "|".join(f"t{index}" for index in _of("silenced", self._rounds))
        for member in self._lab.members:
            member.options |= {"PROBE_WEB_TOKEN": TOKEN, "PROBE_PUBLIC_URL": "http://status.lab"}
        await self._lab.start()
        for member in self._lab.members:
            about = ("--duration", "12h", "--comment", "x")
            await probe_command(member, "alerts", "silence", "add", f"check=~{silenced}", *about)
        await asyncio.sleep(12.0)
        for number in range(self._rounds):
            found = drawn(self._random)
            self._lab.mark(f"round {number}: {found}")
            wrong = [f"round {number}: {each}" for each in await self._round(number, found)]
            self._lab.mark(f"round {number}: {wrong or 'as promised'}")
            self.wrong += wrong

    async def _round(self, number: int, drawn: Round) -> list[str]:
        lab, indexes = self._lab, range(len(KINDS) * number, len(KINDS) * (number + 1))
        hosts = {kind: f"t{index}.lab" for kind, index in zip(KINDS, indexes, strict=True)}
        lab.number = indexes[0]
        began, wall = time.monotonic(), time.time()
        for host in hosts.values():
            lab.outside.fail(host)
        kills, taken = await self._inflict(drawn, hosts, began)
        try:
            await lab.until(self._is_calm(hosts), "calm", 240.0)
        except Broken as broken:
            return [f"not over: {broken}"]
        wrong = [*self._wrong(hosts, kills, wall, drawn.is_certain(len(lab.members)))]
        return wrong + [each async for each in self._forgotten(taken)]

    async def _inflict(
        self, drawn: Round, hosts: Mapping[str, str], began: float
    ) -> tuple[list[float], dict[str, str]]:
        """Kill, acknowledge, recover and start again; when was killed, and what was taken on."""
        lab, kills, taken = self._lab, list[float](), dict[str, str]()
        first, second = lab.members[0], self._random.choice(lab.members[1:])
        steps = [(drawn.kill, "kill"), (drawn.second_kill, "second"), (drawn.end, "end")]
        steps += [(at, "start") for at in drawn.starts]
        steps += [(TAKEN_SECONDS, "take")] if drawn.acknowledged else []
        for at, step in sorted(each for each in steps if each[0] < float("inf")):
            await asyncio.sleep(max(began + at - time.monotonic(), 0.0))
            if step in ("kill", "second"):
                await (first if step == "kill" else second).kill()
                kills.append(time.monotonic())
            elif step == "take":
                taken = await self._take_on(hosts["paged"])
            elif step == "end":
                for host in hosts.values():
                    lab.outside.recover(host)
            else:
                await asyncio.gather(*(each.start() for each in lab.members if not each.runs))
        return kills, taken

    def _is_calm(self, hosts: Mapping[str, str]) -> Callable[[], Awaitable[bool]]:
        """Whether none of these is open anywhere; that a member was started often is another
        matter."""

        async def calm() -> bool:
            chats = [self._lab.outside.chat(host) for host in hosts.values()]
            if not all(not found or found[-1][2] == "resolved" for found in chats):
                return False
            answers = [await member.answer() for member in self._lab.members]
            about = [[each.get(name) for name in ("sees", "owns", "holds")] for each in answers]
            return all(answers) and not any(host in json.dumps(about) for host in hosts.values())

        return calm

    def _wrong(
        self, hosts: Mapping[str, str], kills: list[float], wall: float, certain: bool
    ) -> Iterator[str]:
        """What was broken; ``wall`` is when the outages began, in seconds since 1970."""
        outside = self._lab.outside
        for kind in ("silenced", "window"):
            if outside.chat(hosts[kind]) or outside.pager(f"probe {hosts[kind]}").opened:
                yield f"{kind} was sent: {outside.chat(hosts[kind])}"
        page = outside.pager(f"probe {hosts['paged']}")
        if (sent := (len(page.opened), len(page.closed))) != (1, 1) and (certain or any(sent)):
            yield f"{len(page.opened)} pages, {len(page.closed)} ends"
        if outside.pager(f"probe {hosts['warning']}").opened:
            yield "a warning was paged"
        for kind in ("paged", "warning"):
            if certain or outside.chat(hosts[kind]):
                yield from self._wrong_in_chat(kind, hosts[kind], kills, wall)

    def _wrong_in_chat(
        self, kind: str, host: str, kills: list[float], wall: float
    ) -> Iterator[str]:
        sent = self._lab.outside.chat(host)
        near = any(0 <= kill - at < ASKED_SECONDS for at, *_ in sent for kill in kills)
        for occasion in ("firing", "resolved"):
            count = sum(each[2] == occasion for each in sent)
            if not 1 <= count <= 1 + near * len(kills):
                yield f"{count} {occasion} of {kind}, kill near: {near}: {sent}"
        for document in self._documents(host):
            if not -2.0 <= document["since"] - wall <= SINCE_SECONDS:
                yield f"{kind} began {document['since'] - wall:.1f} s late: {document['title']}"
        if len(links := {self._link(each) for each in self._documents(host)}) > 1:
            self._lab.mark(f"links {links}")

    def _documents(self, host: str) -> list[dict[str, Any]]:
        return [
            each.document for each in self._lab.outside.of("hook") if each.document["key"] == host
        ]

    def _link(self, document: Mapping[str, Any]) -> str:
        found = [each[1] for each in document["links"] if "/incidents/" in each[1]]
        return str(found[0]).rpartition("/")[2] if found else ""

    async def _take_on(self, host: str) -> dict[str, str]:
        """Acknowledge the incident at every member that has it: which, by region."""
        taken = {}
        for member in self._lab.members:
            for each in await _api(member, "GET", "/incidents?state=open"):
                if host.removesuffix(".lab") in each["checks"]:
                    path = f"/incidents/{each['id']}/acknowledgements"
                    document = {"author": "eva", "comment": "mine"}
                    if await _api(member, "POST", path, document):
                        taken[member.region] = each["id"]
        self._lab.mark(f"taken on: {taken}")
        return taken

    async def _forgotten(self, taken: Mapping[str, str]) -> AsyncIterator[str]:
        """Where it is not known any more who has taken it on."""
        for member in self._lab.members:
            if name := taken.get(member.region):
                found = await _api(member, "GET", f"/incidents/{name}")
                if not [each for each in found if each["acknowledgements"]]:
                    yield f"{member.region} forgot who took {name} on: {found}"


async def _api(
    member: Member, method: str, path: str, document: Any = None
) -> list[dict[str, Any]]:
    """What a member's API answers; empty if it doesn't."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    timeout = aiohttp.ClientTimeout(total=5)
    url = f"http://{member.address}:{PORT}/api/v1{path}"
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.request(method, url, json=document) as answer,
        ):
            text = await answer.text()
            if answer.status >= 300:
                print(method, path, answer.status, text[:300])
                return []
            found = json.loads(text)
            items = found.get("incidents", found.get("items"))
            return items if isinstance(items, list) else [found]
    except (aiohttp.ClientError, TimeoutError, OSError):
        return []


async def rounds(count: int, members: int, seed: int) -> list[str]:
    """So many; what was broken."""
    targets = len(KINDS) * count
    async with Lab(members, config=config(count), targets=targets) as lab:
        here = Takeover(lab, count, Random(seed))
        await here.play()
        return here.wrong


def main(count: str = "10", members: str = "3", seed: str = "1") -> None:
    """Print what was broken; exit 1 if anything was."""
    network.enter()
    wrong = asyncio.run(rounds(int(count), int(members), int(seed)))
    print(f"{count} rounds, {members} members, seed {seed}: {len(wrong)} broken", *wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
