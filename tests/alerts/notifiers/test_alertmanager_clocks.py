"""Alertmanager's clock and the probe's may differ: an alert neither ends early nor goes on."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from alerts.model import Message, MessageType
from alerts.notifiers.alertmanager import EXPIRES_SECONDS, MAX_BATCH, Alertmanager
from tests.alerts.samples import failing, sample_message

# A second is left to the tolerated offset, because a Date is in whole seconds.
APART = [0.0, 2.0, -2.0, -3.0, 300.0, -300.0, 86400.0, -86400.0]


@dataclass
class Receiver:
    """Keeps what it is sent, with its time then. ``ahead`` is by how many seconds its clock is
    ahead of this machine's; ``date``: it says its time, ``asks``: it answers GET as well."""

    ahead: float = 0.0
    date: bool = True
    asks: bool = True
    taken: list[tuple[float, list[dict[str, Any]]]] = field(default_factory=list)
    url: str = ""

    @property
    def now(self) -> float:
        """Its time."""
        return time.time() + self.ahead

    @property
    def fires(self) -> list[bool]:
        """Of every alert that it was sent, in order, whether it fires at that time."""
        return [seconds(each["endsAt"]) > at for at, sent in self.taken for each in sent]

    async def take(self, request: web.Request) -> web.StreamResponse:
        """POST /api/v2/alerts, and anything else."""
        if request.method == "POST":
            self.taken.append((self.now, await request.json()))
        elif not self.asks and request.transport is not None:
            request.transport.close()
        # Without one, aiohttp sets its own; an empty one is none.
        return web.Response(headers={"Date": formatdate(self.now, usegmt=True) * self.date})


@asynccontextmanager
async def receiving(**options: Any) -> AsyncIterator[Receiver]:
    """A receiver over a real socket."""
    receiver, app = Receiver(**options), web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def outage(at: float) -> Message:
    """What fires since 30 s before."""
    return sample_message(firing=(failing(since=at - 30, fired=at),), at=at, since=at - 30)


def end_of(firing: Message, at: float) -> Message:
    """Its end."""
    return replace(firing, occasion=MessageType.RESOLVED, firing=(), resolved=firing.firing, at=at)


def probe_behind(behind: float, receiver: Receiver) -> Alertmanager:
    """The notifier of a probe whose clock is so many seconds behind."""
    return Alertmanager([receiver.url], now=lambda: time.time() - behind)


def seconds(moment: str) -> float:
    """A time in Alertmanager's form, as seconds since 1970."""
    return datetime.fromisoformat(moment).timestamp()


@pytest.mark.parametrize("behind", APART)
async def test_times_are_by_the_receivers_clock_from_the_first_message(behind: float) -> None:
    async with receiving() as receiver:
        notifier = probe_behind(behind, receiver)
        firing = outage(time.time() - behind)
        memory = await notifier.send(firing, {})
        ((_, (sent,)),) = receiver.taken
        assert seconds(sent["endsAt"]) - time.time() == pytest.approx(EXPIRES_SECONDS, abs=30)
        assert time.time() - seconds(sent["startsAt"]) == pytest.approx(30, abs=30)
        await notifier.send(end_of(firing, time.time() - behind), memory)
        ended = receiver.taken[-1][1][0]
        assert seconds(ended["endsAt"]) <= time.time()
        assert seconds(ended["startsAt"]) < seconds(ended["endsAt"])
        assert len(receiver.taken) == 2


@pytest.mark.parametrize("behind", APART)
async def test_an_end_is_over_at_the_receiver_also_as_the_first_message(behind: float) -> None:
    async with receiving() as receiver:
        notifier = probe_behind(behind, receiver)
        at = time.time() - behind
        await notifier.send(end_of(outage(at), at), {})
        assert seconds(receiver.taken[0][1][0]["endsAt"]) <= time.time()


async def test_probes_with_clocks_apart_do_not_end_what_another_one_sends() -> None:
    async with receiving() as receiver:
        for behind in APART:
            await probe_behind(behind, receiver).send(outage(time.time() - behind), {})
        assert receiver.fires == [True] * len(APART)


@pytest.mark.parametrize("step", [300.0, -300.0, 90000.0])
async def test_a_clock_that_is_set_in_mid_outage_ends_and_prolongs_nothing(step: float) -> None:
    moved = 0.0
    async with receiving() as receiver:
        notifier = Alertmanager([receiver.url], now=lambda: time.time() + moved)
        firing = outage(time.time())
        memory = await notifier.send(firing, {})
        # Alerts have the time of a steadied clock, which goes on as it was.
        moved = step
        memory = await notifier.send(replace(firing, at=time.time()), memory)
        assert receiver.fires == [True, True]
        last = seconds(receiver.taken[-1][1][0]["endsAt"])
        assert last - time.time() == pytest.approx(EXPIRES_SECONDS, abs=30)
        await notifier.send(end_of(firing, time.time()), memory)
        assert seconds(receiver.taken[-1][1][0]["endsAt"]) <= time.time()


@pytest.mark.parametrize("step", [300.0, -300.0])
async def test_a_receiver_with_a_changed_clock_is_sent_it_again(step: float) -> None:
    async with receiving() as receiver:
        notifier = Alertmanager([receiver.url])
        memory = await notifier.send(outage(time.time()), {})
        receiver.ahead = step
        await notifier.send(outage(time.time()), memory)
        last = seconds(receiver.taken[-1][1][0]["endsAt"])
        assert last - receiver.now == pytest.approx(EXPIRES_SECONDS, abs=30)
        assert len(receiver.taken) == 3


@pytest.mark.parametrize(("date", "asks"), [(False, True), (True, False), (False, False)])
async def test_a_receiver_that_does_not_say_its_time_is_sent_alerts(date: bool, asks: bool) -> None:
    async with receiving(date=date, asks=asks) as receiver:
        notifier = Alertmanager([receiver.url])
        await notifier.send(outage(time.time()), {})
        assert receiver.fires == [True]


async def test_thousands_of_alerts_come_in_parts_and_all_of_them() -> None:
    at = time.time()
    alerts = tuple(failing(f"c{number}", since=at - 30, fired=at) for number in range(3000))
    async with receiving() as receiver:
        notifier = Alertmanager([receiver.url])
        firing = sample_message(firing=alerts, at=at, since=at - 30)
        memory = await notifier.send(firing, {})
        assert {each["labels"]["check"] for _, part in receiver.taken for each in part} == {
            each.identity.check for each in alerts
        }
        assert max(len(part) for _, part in receiver.taken) == MAX_BATCH
        assert receiver.fires == [True] * len(alerts)
        receiver.taken.clear()
        await notifier.send(end_of(firing, time.time()), memory)
        assert receiver.fires == [False] * len(alerts)
