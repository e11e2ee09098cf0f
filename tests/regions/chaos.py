"""Random faults, one after the other, on one cluster: who sees an outage, and what befalls a
member meanwhile, follow from a seed. After each one everything is healed, and what the receivers
heard is counted.
"""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from tests.regions.lab import Broken, Lab, checks
from tests.regions.member import Member
from tests.regions.network import RECEIVERS

# An outage and the trouble around it, in seconds; short of what one alone waits for (60 s).
OUTAGE_SECONDS = (12.0, 30.0)
# Everything has to be over so long after it was healed.
MAX_SECONDS = 300.0
# Each outage is of the next target: the fourth of one in an hour would be flapping.
TARGETS = 20
Trouble = Callable[[Lab, Member], Awaitable[None]]


async def _nothing(lab: Lab, member: Member) -> None:
    """Nothing befalls anybody."""


async def _cut_off(lab: Lab, member: Member) -> None:
    member.place.cut([each.address for each in lab.members if each is not member])


async def _cut_from_one(lab: Lab, member: Member) -> None:
    after = (lab.members.index(member) + 1) % len(lab.members)
    member.place.cut([lab.members[after].address])


async def _cannot_ask(lab: Lab, member: Member) -> None:
    member.place.cut_requests([each.address for each in lab.members if each is not member])


async def _no_receivers(lab: Lab, member: Member) -> None:
    member.place.cut([RECEIVERS])


async def _cut_off_entirely(lab: Lab, member: Member) -> None:
    await _cut_off(lab, member)
    await _no_receivers(lab, member)


async def _suspended(lab: Lab, member: Member) -> None:
    member.send(signal.SIGSTOP)


async def _killed(lab: Lab, member: Member) -> None:
    await member.kill()


async def _restarted(lab: Lab, member: Member) -> None:
    await member.kill(signal.SIGTERM)
    await member.start()


async def _lost_its_folder(lab: Lab, member: Member) -> None:
    await member.kill()
    member.wipe()
    await member.start()


TROUBLES: dict[str, Trouble] = {
    "nothing": _nothing,
    "cut off": _cut_off,
    "cut from one": _cut_from_one,
    "can't ask": _cannot_ask,
    "no receivers": _no_receivers,
    "cut off from all": _cut_off_entirely,
    "suspended": _suspended,
    "killed": _killed,
    "restarted": _restarted,
    "lost its folder": _lost_its_folder,
}


class Fault(Struct, frozen=True):
    """``seers`` are the members that see the outage, ``early`` whether the trouble of ``member``
    comes before it, ``healed`` whether it is over before the end. ``seconds`` it lasts."""

    seers: tuple[int, ...]
    trouble: str
    member: int
    early: bool
    healed: bool
    seconds: float

    @property
    def is_shared(self) -> bool:
        """Whether several regions see it."""
        return len(self.seers) > 1


class Outcome(Struct, frozen=True):
    """What the receivers heard of one fault."""

    fault: Fault
    pages: int
    resolves: int
    firing: int
    resolved: int
    ended: bool

    @property
    def problems(self) -> list[str]:
        """Broken promises, by their names in the tally."""
        found = [] if self.ended else ["never ended"]
        if not self.fault.is_shared:
            return found + ["paged for one region"] * bool(self.pages)
        found += ["lost"] * (not self.pages or not self.firing)
        found += ["paged twice"] * (self.pages > 1)
        found += ["chat doubled by more than one"] * (max(self.firing, self.resolved) > 2)
        return found + ["chat without an end"] * (bool(self.firing) and not self.resolved)


def faults(count: int, members: int, seed: int) -> list[Fault]:
    """So many faults, a quarter of them seen by one region alone."""
    choose, found = random.Random(seed), list[Fault]()
    for _ in range(count):
        member, early = choose.randrange(members), choose.random() < 0.5
        others = [index for index in range(members) if index != member]
        if choose.random() < 0.25:
            seers = [choose.randrange(members)]
        else:
            # Two that nothing befalls see it: what befalls the third can't hide it.
            seers = choose.sample(others, choose.randint(2, len(others)))
            seers += [member] * (choose.random() < 0.7)
        trouble = choose.choice(sorted(TROUBLES))
        seconds = choose.uniform(*OUTAGE_SECONDS)
        healed = choose.random() < 0.5
        found.append(Fault(tuple(sorted(seers)), trouble, member, early, healed, seconds))
    return found


async def heal(lab: Lab) -> None:
    """Everything is as it should be."""
    for member in lab.members:
        member.place.heal()
        member.send(signal.SIGCONT)
        if not member.runs:
            await member.start()


async def inflict(lab: Lab, fault: Fault) -> Outcome:
    """One fault, from calm to calm."""
    began, member = time.monotonic(), lab.members[fault.member]
    if fault.early:
        await TROUBLES[fault.trouble](lab, member)
        await asyncio.sleep(3)
    lab.fail([lab.members[index] for index in fault.seers])
    if fault.is_shared:
        # It counts as seen once it was paged; then it goes on for its time.
        end = time.monotonic() + 120
        while not lab.page.is_open and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    if not fault.early:
        await TROUBLES[fault.trouble](lab, member)
    await asyncio.sleep(fault.seconds)
    if fault.healed:
        await heal(lab)
    lab.recover()
    await asyncio.sleep(0 if fault.healed else 10)
    await heal(lab)
    return await outcome(lab, fault, began)


async def outcome(lab: Lab, fault: Fault, began: float) -> Outcome:
    """Wait for calm, and count what was heard since the fault began."""
    ended = True
    try:
        await lab.until(lab.is_calm, "calm", MAX_SECONDS)
    except Broken:
        ended = False
    page, chat = lab.page, [each for each in lab.outside.chat(lab.key) if each[0] >= began]
    return Outcome(
        fault,
        pages=sum(at >= began for at in page.opened),
        resolves=sum(at >= began for at in page.closed),
        firing=sum(each[2] == "firing" for each in chat),
        resolved=sum(each[2] == "resolved" for each in chat),
        ended=ended and not page.is_open,
    )


async def run(count: int, members: int, seed: int, seconds: float) -> list[Outcome]:
    """So many faults, or those that fit into so many seconds."""
    found, end = list[Outcome](), time.monotonic() + seconds
    config = checks(TARGETS, interval=4)
    async with Lab(members, config=config, targets=TARGETS) as lab:
        await lab.start()
        for number, fault in enumerate(faults(count, members, seed)):
            if time.monotonic() > end:
                break
            lab.number = number % TARGETS
            lab.mark(f"fault {number}: {fault}")
            found.append(await inflict(lab, fault))
            broken = found[-1].problems
            lab.mark(f"fault {number}: {', '.join(broken) or 'as promised'}: {found[-1]}")
            if broken:
                lab.mark(f"since it began: {lab.summary()}")
    return found


def tally(outcomes: Sequence[Outcome]) -> str:
    """The table of what was seen, and of what was broken."""
    shared = [each for each in outcomes if each.fault.is_shared]
    alone = [each for each in outcomes if not each.fault.is_shared]
    problems = Counter(problem for each in outcomes for problem in each.problems)
    once = sum(each.pages == each.resolves == 1 for each in shared)
    doubled = sum(max(each.firing, each.resolved) == 2 for each in shared)
    return "\n".join(
        [
            f"{len(outcomes)} faults",
            f"seen by several: {len(shared)}, with exactly one page and one resolve: {once}",
            f"seen by one: {len(alone)}, paged: {sum(each.pages > 0 for each in alone)}",
            f"lost: {problems['lost']}, never ended: {problems['never ended']}",
            f"chat doubled by one: {doubled}, by more: {problems['chat doubled by more than one']}",
            f"broken promises: {dict(problems) or 'none'}",
        ]
    )
