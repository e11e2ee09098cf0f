"""What a situation is: a story with a number of members, that raises Broken where a promise is."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from tests.regions.lab import Lab, checks

Story = Callable[[Lab], Awaitable[None]]


class Situation(Struct, frozen=True):
    """``members`` is how many daemons, ``targets`` how many checks each has. ``proof``: it runs
    with `make proof`, the others with `make nightly`. ``interval`` of the checks is in seconds."""

    name: str
    story: Story
    members: int = 3
    targets: int = 1
    proof: bool = True
    interval: float = 2.0

    @property
    def promise(self) -> str:
        """What it is about, and what has to come of it."""
        return " ".join((self.story.__doc__ or "").split())

    async def run(self) -> None:
        """Raises Broken."""
        config = checks(self.targets, interval=self.interval)
        async with Lab(self.members, config=config, targets=self.targets) as lab:
            await self.story(lab)


async def paged(lab: Lab) -> None:
    """Wait until the pager and both chats know of the outage."""
    await lab.until(lambda: lab.page.is_open, "paged")
    await lab.until(lambda: lab.said("firing") > 0, "people were notified")


async def known(lab: Lab) -> None:
    """Wait until it was paged, and every member knows that people were notified: a sender that is
    lost before may be repeated by another one."""
    await paged(lab)
    await lab.until(lab.is_known, "every member knows of it")


async def over(lab: Lab, *, pages: int = 1, firing: int = 1, resolved: int = 1) -> None:
    """Wait until it is over everywhere, and compare what was sent."""
    await lab.until(lambda: bool(lab.page.closed) and not lab.page.is_open, "resolved at the pager")
    await lab.until(lambda: lab.said("resolved") >= resolved, "resolved in the chat")
    await lab.until(lab.is_quiet, "nothing is open at any member")
    found = (len(lab.page.opened), len(lab.page.closed))
    lab.expect(found == (pages, pages), f"{pages} page and {pages} resolve")
    lab.expect(lab.said("firing") == firing, f"{firing} firing in the chat")
    lab.expect(lab.said("resolved") == resolved, f"{resolved} resolved in the chat")
