"""A member of a cluster that does not answer holds up no other one, and no next message."""

import asyncio
from collections.abc import Coroutine, Mapping
from random import Random
from typing import Any

import pytest

from alerts.model import Delivery, Message, NotifyError
from alerts.notification.sender import DEADLINE_SECONDS, Dispatcher
from alerts.notifiers.base import (
    LATE_AGAIN_SECONDS,
    LATE_SECONDS,
    MEMBER_SECONDS,
    ClusterMembers,
)
from alerts.outbox.outbox import Outbox
from tests.alerts.notification.test_many_alerts import Disk
from tests.alerts.words import FIRING, a_message
from tests.clocks import Clock
from tests.virtual_time import run_virtually

A, B, C = (f"http://am-{name}:9093" for name in "abc")
HANGS = 3600.0


class Cluster:
    """Members that answer after so many seconds each, or refuse for good (a negative number)."""

    def __init__(self, **answers: float) -> None:
        self.answers = {f"http://am-{name}:9093": after for name, after in answers.items()}
        self.taken: dict[str, int] = dict.fromkeys(self.answers, 0)

    async def post(self, url: str) -> None:
        """One message to one member."""
        after = self.answers[url]
        if after < 0:
            raise NotifyError("answers 400", permanent=True)
        await asyncio.sleep(after)
        self.taken[url] += 1


def took(clock: Clock, work: Coroutine[Any, Any, object]) -> float:
    """How many seconds some work takes."""
    before = clock()
    run_virtually(work, clock)
    return clock() - before


@pytest.mark.parametrize(
    ("answers", "seconds", "missed"),
    [
        ({"a": 1.0, "b": 2.0}, 2.0, []),
        ({"a": 1.0, "b": HANGS}, 1.0 + LATE_SECONDS, [B]),
        ({"a": HANGS, "b": HANGS}, MEMBER_SECONDS, [A, B]),
        ({"a": -1.0, "b": 3.0, "c": HANGS}, 3.0 + LATE_SECONDS, [A, C]),
        # As slow as a single one may be.
        ({"a": MEMBER_SECONDS - 1.0}, MEMBER_SECONDS - 1.0, []),
    ],
)
def test_one_that_accepts_is_enough_and_the_others_have_a_moment(
    answers: Mapping[str, float], seconds: float, missed: list[str]
) -> None:
    clock, cluster = Clock(), Cluster(**answers)
    members = ClusterMembers(cluster.answers, clock)
    errors = list[NotifyError]()

    async def send() -> None:
        errors.extend(await members.send(cluster.post))

    assert took(clock, send()) == pytest.approx(seconds)
    assert len(errors) == len(missed)
    assert [url for url, count in cluster.taken.items() if not count] == missed


def test_one_that_was_late_is_not_waited_for_again_so_soon() -> None:
    clock, cluster = Clock(), Cluster(a=0.0, b=HANGS)
    members = ClusterMembers(cluster.answers, clock)
    assert took(clock, members.send(cluster.post)) == pytest.approx(LATE_SECONDS)
    assert took(clock, members.send(cluster.post)) == 0.0
    clock.pass_(LATE_AGAIN_SECONDS)
    cluster.answers[B] = 0.1
    assert took(clock, members.send(cluster.post)) == pytest.approx(0.1)
    assert took(clock, members.send(cluster.post)) == pytest.approx(0.1)
    assert cluster.taken == {A: 4, B: 2}


def test_one_that_was_late_is_enough_where_no_other_accepts() -> None:
    clock, cluster = Clock(), Cluster(a=0.0, b=HANGS)
    members = ClusterMembers(cluster.answers, clock)
    took(clock, members.send(cluster.post))
    cluster.answers = {A: HANGS, B: 10.0}
    assert took(clock, members.send(cluster.post)) == pytest.approx(10.0 + LATE_SECONDS)
    assert cluster.taken[B] == 1


class OfMembers:
    """A notifier for such a cluster."""

    name, sends_missed_incidents, resend_seconds, pause = "members", False, 60.0, 0.0

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster, self._members = cluster, ClusterMembers(cluster.answers, clock)

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """To every member."""
        if len(errors := await self._members.send(self._cluster.post)) == len(self._members.urls):
            raise errors[0]
        return {}


def test_what_a_member_has_accepted_is_delivered_whatever_the_others_do() -> None:
    clock, cluster = Clock(1000.0), Cluster(a=0.5, b=HANGS)
    reported = list[str]()

    async def report(delivery: Delivery, reason: str) -> None:
        reported.append(reason)

    async def play() -> int:
        outbox = await Outbox.open(None, now=clock, thread=lambda name: Disk())
        dispatcher = Dispatcher(
            outbox,
            {"members": OfMembers(cluster, clock)},
            clock=clock,
            now=clock,
            random=Random(1),
            on_refused=report,
            on_undelivered=report,
        )
        task = asyncio.create_task(dispatcher.run())
        for place in range(8):
            message = a_message(FIRING, at=clock(), key=f"incident-{place}")
            await outbox.commit({}, [Delivery("members", message, due=clock())])
        dispatcher.wake()
        await asyncio.sleep(2 * DEADLINE_SECONDS)
        left = len(await outbox.waiting())
        await dispatcher.stop(0.0)
        await task
        await outbox.close()
        return left

    assert run_virtually(play(), clock) == 0
    assert cluster.taken == {A: 8, B: 0}
    assert reported == []
