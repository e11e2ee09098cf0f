"""Receivers that fail: pages overtake, it is reported once, and what waits goes at once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alerts.model import Delivery, NotifyError, Severity
from alerts.outbox.outbox import Outbox
from tests.alerts.services import Post, Service, running
from tests.alerts.words import FIRING, NOTE, RESOLVED, a_delivery, a_message
from tests.clocks import Clock


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    """An outbox on the disk."""
    outbox = await Outbox.open(tmp_path, now=Clock(1000.0))
    yield outbox
    await outbox.close()


async def test_a_page_overtakes_notes_warnings_and_resolves(outbox: Outbox) -> None:
    pager = Service()
    post = Post(outbox, pager)
    warning = a_message(FIRING, "w", 3.0, severity=Severity.WARNING)
    await post.commit(
        *(a_delivery(NOTE, f"note {n}", at=1.0) for n in range(20)),
        a_delivery(RESOLVED, "r", at=2.0),
        Delivery("pager", warning),
        a_delivery(FIRING, "page", at=4.0),
    )
    async with running(post):
        await pager.took(23)
    assert [each.key for each in pager.received[:3]] == ["page", "r", "w"]


async def test_what_waits_goes_at_once_when_a_receiver_takes_messages_again(
    outbox: Outbox,
) -> None:
    pager = Service(script=[NotifyError("answers 500", retry_after=250.0)] * 3)
    async with running(Post(outbox, pager)) as post:
        await post.commit(*(a_delivery(key=key) for key in "abc"))
        await pager.attempted(3)
        await post.commit(a_delivery(key="d"))
        assert len(await pager.took(4)) == 4
        await post.settled()
        assert post.dispatcher.health["pager"].failing_since is None


async def test_an_absurd_retry_after_holds_a_page_for_five_minutes_at_most(
    outbox: Outbox,
) -> None:
    pager = Service(script=[NotifyError("answers 429", retry_after=86400.0)])
    async with running(Post(outbox, pager)) as post:
        await post.commit(a_delivery())
        await pager.attempted(1)
        await post.settled()
        post.pass_(300.0)
        assert await pager.took(1)


async def test_a_refusal_is_reported_once_for_each_reason_until_one_is_taken(
    outbox: Outbox,
) -> None:
    refused = [NotifyError("answers 404", permanent=True)] * 10
    pager = Service(script=[*refused, None, NotifyError("answers 404", permanent=True)])
    async with running(Post(outbox, pager)) as post:
        await post.commit(*(a_delivery(key=f"k{n}") for n in range(10)))
        await pager.attempted(10)
        await post.settled()
        assert len(post.refused) == 1
        # Whoever keeps what each receiver knows hears of every one: a resolve may be among them.
        assert sorted(post.rejected) == [f"k{n}" for n in range(10)]
        assert post.dispatcher.health["pager"].refused == 10
        await post.commit(a_delivery(key="good"))
        await pager.took(1)
        await post.settled()
        assert post.dispatcher.health["pager"].refused == 0
        await post.commit(a_delivery(key="bad"))
        await pager.attempted(12)
        await post.settled()
        assert len(post.refused) == 2
        assert post.dispatcher.health["pager"].failed == 11
