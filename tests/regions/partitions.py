"""Situations in which members, or a member and the receivers, don't hear each other."""

import asyncio

from tests.regions.lab import Lab
from tests.regions.network import RECEIVERS
from tests.regions.situation import Situation, known, over, paged


async def _sender_loses_its_way(lab: Lab) -> None:
    """The sender can't reach the receivers any more when the outage ends, and then is gone for
    good: another one sends the end, once."""
    await lab.start()
    lab.fail()
    await known(lab)
    sender = lab.sender()
    sender.place.cut([RECEIVERS])
    lab.mark(f"{sender.region}, which sent, can't reach the receivers")
    await asyncio.sleep(3)
    lab.recover()
    await lab.until(lambda: lab.said("resolved") == 1, "another one sends the end")
    await sender.kill()
    lab.mark(f"{sender.region} is gone for good")
    await over(lab)


async def _way_lost_from_the_beginning(lab: Lab) -> None:
    """The first in order never reaches the receivers: the outage is notified of by another one,
    and nothing of the first one's queue leaves when its way is back."""
    await lab.start()
    first = lab.members[0]
    first.place.cut([RECEIVERS])
    lab.fail()
    await known(lab)
    lab.expect(lab.sender() is not first, "another one sends")
    first.place.heal()
    lab.mark(f"{first.region} can reach the receivers again")
    await lab.through(lambda: lab.said("firing") == 1, "the chat hears it once", 20)
    lab.recover()
    await over(lab)


async def _minority_recovers(lab: Lab) -> None:
    """All see the outage, the sender is cut off, and the target recovers for the sender alone:
    it stays open, also when the split has healed."""
    await lab.start()
    first, *others = lab.members
    lab.fail()
    await known(lab)
    first.place.cut([each.address for each in others])
    lab.mark(f"{first.region} is cut off")
    await asyncio.sleep(10)
    lab.fail(others)
    await lab.through(lambda: lab.page.is_open, "open while two regions see it", 30)
    first.place.heal()
    lab.mark("healed")
    await lab.through(lambda: lab.page.is_open, "open after the split has healed", 30)
    lab.expect(lab.said("resolved") == 0, "no resolve in the chat")
    lab.recover()
    await over(lab)


async def _one_that_cannot_ask(lab: Lab) -> None:
    """A member can be asked and can't ask any other one: its silence doesn't hold an outage
    open for longer than a minute after the end."""
    await lab.start()
    last, others = lab.members[-1], lab.members[:-1]
    lab.fail()
    await known(lab)
    last.place.cut_requests([each.address for each in others])
    lab.mark(f"{last.region} can be asked, and can't ask")
    await asyncio.sleep(15)
    lab.recover()
    await lab.until(lambda: bool(lab.page.closed), "resolved", 90)
    await lab.until(lambda: lab.said("resolved") == 1, "the chat hears the end", 60)
    last.place.heal()
    await over(lab)


async def _flapping_link(lab: Lab) -> None:
    """The sender's links to the others flap through the whole outage: one page, one resolve."""
    await lab.start()
    first, *others = lab.members

    async def flap() -> None:
        while True:
            first.place.cut([each.address for each in others])
            await asyncio.sleep(2)
            first.place.heal()
            await asyncio.sleep(2)

    flapping = asyncio.create_task(flap())
    await asyncio.sleep(5)
    lab.fail()
    await paged(lab)
    await lab.through(lambda: lab.page.is_open, "open while it lasts", 20)
    lab.recover()
    await lab.until(lambda: bool(lab.page.closed), "resolved")
    flapping.cancel()
    first.place.heal()
    await over(lab)


async def _split_before_the_outage(lab: Lab) -> None:
    """Five members are split into two and three, then the target fails for all: one page, each
    side notifies people once at the most, one resolve after the split has healed."""
    await lab.start()
    few, many = lab.members[:2], lab.members[2:]
    for member in few:
        member.place.cut([each.address for each in many])
    lab.mark("two of five are cut off")
    await asyncio.sleep(12)
    lab.fail()
    await paged(lab)
    await asyncio.sleep(30)
    lab.expect(1 <= lab.said("firing") <= 2, "each side notifies once at the most")
    for member in few:
        member.place.heal()
    lab.mark("healed")
    await asyncio.sleep(15)
    lab.recover()
    await over(lab, firing=lab.said("firing"))


async def _own_fault_behind_a_cut(lab: Lab) -> None:
    """A member loses the target and one of its peers at once: a warning that names its region,
    and no page."""
    await lab.start()
    first, second, third = lab.members
    third.place.cut([second.address])
    lab.fail([third])
    warning = f"{lab.key} ({third.region})"
    await lab.until(lambda: lab.said("firing", warning) == 1, "a warning that names the region")
    await lab.through(lambda: not lab.page.opened, "no page", 45)
    third.place.heal()
    lab.recover()
    await lab.until(lambda: lab.said("resolved", warning) == 1, "the warning is resolved")
    lab.expect(first.runs and not lab.outside.pager_keys(), "nothing was ever paged")


PARTITIONS = (
    Situation("sender-loses-its-way", _sender_loses_its_way),
    Situation("no-way-from-the-beginning", _way_lost_from_the_beginning),
    Situation("minority-recovers", _minority_recovers),
    Situation("can-be-asked-and-not-ask", _one_that_cannot_ask),
    Situation("flapping-link", _flapping_link, proof=False),
    Situation("split-before-the-outage", _split_before_the_outage, members=5),
    Situation("own-fault-behind-a-cut", _own_fault_behind_a_cut, proof=False),
)
