"""What is refused for good: reported once, shown, and no obstacle to anything else."""

import pytest

from alerts.model import NotifyError
from alerts.notification.sender import NOT_CONFIGURED
from alerts.outbox.outbox import Outbox
from tests.alerts.services import Post, Service, running
from tests.alerts.words import NOTE, RESOLVED, a_delivery

REFUSED = NotifyError("404 no_service", permanent=True)
SECRET = "hunter" + "2"


async def test_a_message_that_is_refused_for_good_is_reported_once_and_shown(
    outbox: Outbox,
) -> None:
    pager = Service(script=[REFUSED])
    async with running(Post(outbox, pager)) as post:
        await post.commit(a_delivery(at=1))
        await post.emptied()
        await post.commit(a_delivery(RESOLVED, at=2))
        assert await pager.took(1) == ["resolved at 2"]
    ((delivery, error),) = post.refused
    assert (delivery.message.title, error) == ("firing at 1", "404 no_service")
    assert [each.error for each in await outbox.refused()] == ["404 no_service"]


async def test_a_refused_note_brings_forth_no_other(outbox: Outbox) -> None:
    pager = Service(script=[REFUSED])
    async with running(Post(outbox, pager)) as post:
        await post.commit(a_delivery(NOTE))
        await post.emptied()
    assert post.refused == []
    assert outbox.state.refused == 1


class Clumsy(Post):
    """Fails when a refusal is reported to it."""

    async def on_refused(self, delivery: object, error: str) -> None:
        raise OSError(SECRET)


async def test_a_callback_that_fails_on_a_refusal_stops_nothing(
    outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    pager = Service(script=[REFUSED])
    async with running(Clumsy(outbox, pager)) as post:
        await post.commit(a_delivery(at=1), a_delivery(key="b", at=2))
        assert await pager.took(1) == ["firing at 2"]
    assert SECRET not in caplog.text


async def test_what_waits_for_a_notifier_that_is_gone_is_refused(outbox: Outbox) -> None:
    await outbox.commit({}, [a_delivery(to="pigeon"), a_delivery()])
    pager = Service()
    async with running(Post(outbox, pager)) as post:
        await post.emptied()
    assert [error for _, error in post.refused] == [NOT_CONFIGURED]
    assert len(pager.received) == 1
