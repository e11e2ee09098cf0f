"""How long a message waits where a service asks for much: a page is held by no warning."""

import pytest

from alerts.model import Delivery, MessageType, NotifyError, Severity
from alerts.outbox.outbox import Outbox
from tests.alerts.services import Post, Service, running
from tests.alerts.words import CHANGED, FIRING, RESOLVED, a_message

WARNING = Severity.WARNING
LATER = NotifyError("429", retry_after=3600.0)
# What a page may wait between two attempts, in seconds.
PAGE_WAITS = 300.0


def a_delivery(
    occasion: MessageType, at: float, severity: Severity = Severity.CRITICAL
) -> Delivery:
    """A message to the pager."""
    return Delivery("pager", a_message(occasion, at=at, severity=severity), due=at)


async def test_a_rise_in_severity_is_not_held_by_the_time_that_a_warning_was_to_wait(
    outbox: Outbox,
) -> None:
    chat = Service(script=[LATER])
    async with running(Post(outbox, chat)) as post:
        await post.commit(a_delivery(FIRING, at=1, severity=WARNING))
        await chat.attempted(1)
        await post.settled()
        await post.commit(a_delivery(CHANGED, at=2))
        await post.settled()
        post.pass_(PAGE_WAITS)
        await post.settled()
        assert [each.title for each in chat.received] == ["changed at 2"]


async def test_a_page_is_not_held_by_the_end_of_the_warning_before_it(outbox: Outbox) -> None:
    chat = Service(script=[None, LATER])
    async with running(Post(outbox, chat)) as post:
        await post.commit(a_delivery(FIRING, at=1, severity=WARNING))
        await chat.took(1)
        await post.commit(a_delivery(RESOLVED, at=2, severity=WARNING))
        await chat.attempted(2)
        await post.settled()
        await post.commit(a_delivery(FIRING, at=3))
        await post.settled()
        post.pass_(PAGE_WAITS)
        await post.settled()
        assert [each.title for each in chat.received][1:] == ["resolved at 2", "firing at 3"]


@pytest.mark.parametrize("occasion", [FIRING, RESOLVED])
@pytest.mark.parametrize(
    ("severity", "taken"), [(Severity.CRITICAL, 1), (WARNING, 0)], ids=["critical", "warning"]
)
async def test_a_page_and_its_end_wait_five_minutes_at_most(
    outbox: Outbox, occasion: MessageType, severity: Severity, taken: int
) -> None:
    chat = Service(script=[LATER], sends_missed_incidents=True)
    async with running(Post(outbox, chat)) as post:
        await post.commit(a_delivery(occasion, at=1, severity=severity))
        await chat.attempted(1)
        await post.settled()
        post.pass_(PAGE_WAITS)
        await post.settled()
        assert len(chat.received) == taken
        await post.emptied()
        assert len(chat.received) == 1
