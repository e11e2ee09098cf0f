"""A cluster of real daemons, their target and their receivers, for as long as a block lasts."""

import asyncio
import inspect
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

from tests.regions import network
from tests.regions.member import PORT, REGIONS, Member
from tests.regions.outside import Outside, Story

# How long a condition is waited for on a machine that does much else.
PATIENCE = 180.0
# All members of several clusters may start at once.
START_PATIENCE = 600.0
CHECK = """
[[http]]
name = "t{index}"
url = "http://t{index}.lab/"
interval = {interval}
retry = 1
hold = 3
deadline = 5
severity = "critical"
# How long an answer takes is the machine's matter here.
thresholds = {{ probe_http_response_seconds = {{ objective = 60, warning = 60, critical = 60 }} }}
"""
Condition = Callable[[], bool | Awaitable[bool]]


class Broken(Exception):
    """A promise was broken: what was expected, and what was found."""


def checks(count: int = 1, *, interval: float = 2) -> str:
    """probe.toml with so many HTTP checks."""
    return "".join(CHECK.format(index=index, interval=interval) for index in range(count))


class Lab:
    """``members`` in order, ``outside`` what they see. ``host`` is the target of the present
    outage, ``key`` its alert group."""

    def __init__(self, members: int = 3, *, config: str = "", targets: int = 1) -> None:
        self._count, self._config, self._targets = members, config or checks(targets), targets
        self.outside, self.members = Outside(), list[Member]()
        self.began, self.number = time.monotonic(), 0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="r-")))
        network.build(self.folder, self._count, self._targets)
        await self._stack.enter_async_context(self.outside)
        peers = ", ".join(
            f"http://{network.SUBNET}{index + 1}:{PORT}" for index in range(self._count)
        )
        for index in range(self._count):
            place, region = network.Place(index), REGIONS[index]
            folder = self.folder / place.name
            self.members.append(Member(place, region, folder, self._config, peers))
        return self

    async def __aexit__(self, *error: Any) -> None:
        if error[0] is not None:
            self._print_logs()
        await asyncio.gather(*(each.stop() for each in self.members))
        await self._stack.aclose()

    @property
    def host(self) -> str:
        """The host that the present outage is of."""
        return f"t{self.number}.lab"

    @property
    def key(self) -> str:
        """Its alert group."""
        return self.host

    @property
    def page(self) -> Story:
        """What the pager made of the present outage."""
        return self.outside.pager(f"probe {self.key}")

    def said(self, occasion: str, key: str = "") -> int:
        """How many messages of one kind people read of the present outage, or of a group."""
        return sum(each[2] == occasion for each in self.outside.chat(key or self.key))

    async def start(self, *members: Member) -> None:
        """Start these, or all, and wait until they are ready and hear each other."""
        starting = members or tuple(self.members)
        await asyncio.gather(*(each.start() for each in starting))
        for each in starting:
            await self.until(each.is_ready, f"{each.region} is ready", START_PATIENCE)
            await self.until(partial(self._hears_all, each), f"{each.region} hears others")

    def mark(self, text: str) -> None:
        """Print what happens, with the time."""
        print(f"{time.monotonic() - self.began:7.1f}  {text}", flush=True)

    def fail(self, members: Iterable[Member] = ()) -> None:
        """The target fails for these, or for everyone."""
        members = list(members)
        who = [each.address for each in members] or ["*"]
        self.outside.fail(self.host, who)
        self.mark(f"{self.host} fails for {[each.region for each in members] or 'everybody'}")

    def recover(self) -> None:
        """It works again."""
        self.outside.recover(self.host)
        self.mark(f"{self.host} works again")

    async def until(self, condition: Condition, what: str, seconds: float = PATIENCE) -> None:
        """Wait until a condition holds. Raises Broken."""
        end = time.monotonic() + seconds
        while not await _holds(condition):
            if time.monotonic() > end:
                raise Broken(f"not within {seconds:g} s: {what}; {self.summary()}")
            await asyncio.sleep(0.2)
        self.mark(what)

    async def through(self, condition: Condition, what: str, seconds: float) -> None:
        """A condition holds for so long. Raises Broken."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not await _holds(condition):
                raise Broken(f"not for {seconds:g} s: {what}; {self.summary()}")
            await asyncio.sleep(0.2)
        self.mark(f"for {seconds:g} s: {what}")

    def expect(self, condition: bool, what: str) -> None:
        """Raises Broken unless it is so."""
        if not condition:
            raise Broken(f"expected: {what}; {self.summary()}")
        self.mark(what)

    async def is_quiet(self) -> bool:
        """Whether no member that runs sees, owns or sends anything."""
        answers = [await each.answer() for each in self.members if each.runs]
        return all(
            answer and not any(answer[name] for name in ("sees", "owns", "holds", "pending"))
            for answer in answers
        )

    async def is_calm(self) -> bool:
        """Whether all run, hear each other, and nothing is open anywhere."""
        if not all(each.runs for each in self.members) or self.page.is_open:
            return False
        hears = [await self._hears_all(each) for each in self.members]
        return all(hears) and await self.is_quiet()

    async def is_known(self) -> bool:
        """Whether every member that runs knows that the chats were notified of the outage."""
        answers = [await each.answer() for each in self.members if each.runs]
        known = [{*map(tuple, (*each["owns"], *each["holds"]))} for each in answers if each]
        wanted = {("webhook", self.key), ("slack", self.key)}
        return len(known) == len(answers) and all(wanted <= each for each in known)

    def sender(self) -> Member:
        """Who sent the last message about the present outage."""
        source = self.outside.chat(self.key)[-1][1]
        return next(each for each in self.members if each.address == source)

    def summary(self) -> str:
        """What the receivers heard of the present outage."""

        def times(found: Iterable[float]) -> list[float]:
            return [round(each - self.began, 1) for each in found]

        page = self.page
        names = {each.address: each.region for each in self.members}
        chat = [
            (round(at - self.began, 1), names.get(source, source), occasion, key)
            for each in self.outside.of("hook")
            for at, source, occasion, key in [
                (each.at, each.source, each.document["occasion"], each.document["key"])
            ]
        ]
        return f"pages {times(page.opened)}, resolves {times(page.closed)}, chat {chat}"

    async def _hears_all(self, member: Member) -> bool:
        found = await member.metrics()
        running = sum(each.runs for each in self.members)
        return found.get("probe_peers_reachable", running - 1) >= running - 1

    def _print_logs(self) -> None:
        for member in self.members:
            lines = member.log.splitlines()
            print(f"-- the last lines of {member.region}", *lines[-15:], sep="\n", file=sys.stderr)


async def _holds(condition: Condition) -> bool:
    found = condition()
    return await found if inspect.isawaitable(found) else bool(found)
