"""A message that another probe sends by now: an attempt under way delivers it no more. An end that
another one has sent changes what this one has sent before, where its service can, and this one
holds nothing open any more."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts.model import Delivery, NotifyError
from alerts.notification.dedup import collapse
from alerts.outbox.outbox import Outbox
from tests.alerts.services import Post, Service, running
from tests.alerts.words import FIRING, RESOLVED, a_delivery


async def test_an_attempt_under_way_ends_and_the_next_message_goes_on(outbox: Outbox) -> None:
    stuck = asyncio.Event()
    chat = Service("chat", script=[stuck])
    async with running(Post(outbox, chat)) as post:
        await post.commit(a_delivery(key="a", to="chat"))
        await chat.attempted(1)
        await post.dispatcher.withdraw("chat", "a")
        await post.commit(a_delivery(key="b", at=2, to="chat"))
        assert await chat.took(1) == ["firing at 2"]
        stuck.set()
        await post.settled()
    assert len(chat.attempts) == 2
    assert len(chat.received) == 1
    assert await outbox.waiting() == []


async def test_what_is_withdrawn_is_no_failure_of_the_receiver(outbox: Outbox) -> None:
    chat = Service("chat", script=[asyncio.Event()])
    async with running(Post(outbox, chat)) as post:
        await post.commit(a_delivery(to="chat"))
        await chat.attempted(1)
        await post.dispatcher.withdraw("chat", "a")
        await post.settled()
        assert post.dispatcher.health["chat"].error == ""
    assert post.refused == []


async def test_only_the_message_of_its_key_and_receiver_ends(outbox: Outbox) -> None:
    gate = asyncio.Event()
    chat, pager = Service("chat", script=[gate]), Service("pager", script=[gate])
    async with running(Post(outbox, chat, pager)) as post:
        await post.commit(a_delivery(key="a", to="chat"), a_delivery(key="a"))
        await asyncio.gather(chat.attempted(1), pager.attempted(1))
        await post.dispatcher.withdraw("chat", "b")
        await post.dispatcher.withdraw("webhook", "a")
        await post.dispatcher.withdraw("pager", "a")
        gate.set()
        assert await chat.took(1) == ["firing at 0"]
        await post.settled()
    assert pager.received == []


async def test_what_follows_the_last_withdrawn_message_is_sent(outbox: Outbox) -> None:
    chat = Service("chat", script=[NotifyError("503")])
    async with running(Post(outbox, chat)) as post:
        await post.commit(a_delivery(RESOLVED, to="chat"))
        await chat.attempted(1)
        await post.settled()
        (overtaken,) = await outbox.waiting()
        await post.commit(a_delivery(at=2, to="chat"))
        await post.dispatcher.withdraw("chat", "a", overtaken.number)
        assert await chat.took(1) == ["firing at 2"]
    assert await outbox.waiting() == []


async def test_an_attempt_of_what_follows_the_last_withdrawn_message_goes_on(
    outbox: Outbox,
) -> None:
    gate = asyncio.Event()
    chat = Service("chat", script=[gate])
    async with running(Post(outbox, chat)) as post:
        await post.commit(a_delivery(to="chat"))
        await chat.attempted(1)
        (sent,) = await outbox.waiting()
        await post.dispatcher.withdraw("chat", "a", sent.number - 1)
        gate.set()
        assert await chat.took(1) == ["firing at 0"]


async def test_what_waits_for_its_next_attempt_is_withdrawn_with_its_end(outbox: Outbox) -> None:
    chat = Service("chat", script=[NotifyError("503")])
    async with running(Post(outbox, chat)) as post:
        await post.commit(a_delivery(to="chat"))
        await chat.attempted(1)
        await post.settled()
        await post.commit(a_delivery(RESOLVED, at=2, to="chat"))
        await post.dispatcher.withdraw("chat", "a")
        await post.emptied()
    assert len(chat.attempts) == 1


class Editor(Service):
    edits = True


def quiet(at: float = 2.0) -> Delivery:
    end = a_delivery(RESOLVED, at=at)
    return replace(end, message=replace(end.message, quiet=True))


@pytest.mark.parametrize(
    ("service", "sent"),
    [(Service(), ["firing at 1"]), (Editor(), ["firing at 1", "resolved at 2"])],
    ids=["posts", "edits"],
)
async def test_what_only_changes_a_message_goes_to_those_who_can(
    tmp_path: Path, service: Service, sent: list[str], leaks: None
) -> None:
    outbox = await Outbox.open(tmp_path, journals=(tmp_path,))
    async with running(Post(outbox, service)) as post:
        await post.commit(a_delivery(FIRING, at=1))
        await service.took(1)
        await post.settled()
        journal = outbox.incidents
        assert journal is not None
        assert len(journal.open_incidents) == 1
        await post.commit(quiet())
        await service.took(len(sent))
        await post.emptied()
        assert journal.open_incidents == []
    assert [each.title for each in service.attempts] == sent
    assert await outbox.memory("pager", "a") == {}
    await outbox.close()


@pytest.mark.parametrize("first", [a_delivery(RESOLVED, at=1), quiet(1.0)])
def test_an_end_that_is_to_be_heard_stays_so_when_it_is_joined_with_a_quiet_one(
    first: Delivery,
) -> None:
    (step,) = collapse([replace(first, number=1), replace(quiet(), number=2)], True)
    assert step.new is not None
    assert step.new.message.quiet is first.message.quiet
