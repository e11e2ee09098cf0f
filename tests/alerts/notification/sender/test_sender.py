"""Dispatching: everything arrives, in order, and no service holds up another."""

import asyncio
import logging
from random import Random

import pytest

from alerts.model import NotifyError
from alerts.outbox.outbox import Outbox
from alerts.outbox.retry import retry_seconds
from tests.alerts.services import RECEIVED, Post, Service, running
from tests.alerts.words import CHANGED, FIRING, NOTE, RESOLVED, a_delivery

BUSY = NotifyError("503")
SECRET = "hunter" + "2"


async def test_what_was_stored_is_sent_and_gone(outbox: Outbox) -> None:
    pager = Service()
    async with running(Post(outbox, pager)) as post:
        await post.commit(a_delivery(at=1), a_delivery(key="b", at=2))
        assert await pager.took(2) == ["firing at 1", "firing at 2"]
        await post.settled()
    assert await outbox.waiting() == []


async def test_a_message_that_was_not_taken_is_tried_for_hours(outbox: Outbox) -> None:
    pager = Service(script=[BUSY] * 30)
    async with running(Post(outbox, pager)) as post:
        await post.commit(a_delivery())
        await post.emptied()
    assert len(pager.attempts) == 31
    assert len(pager.received) == 1
    assert post.refused == []


async def test_the_next_attempt_waits_for_its_time(outbox: Outbox) -> None:
    pager = Service(script=[BUSY, BUSY])
    async with running(Post(outbox, pager)) as post:
        await post.commit(a_delivery())
        for seconds, attempts in ((0.4, 1), (0.6, 2), (0.9, 2), (1.1, 3)):
            await post.settled()
            post.pass_(seconds)
            await post.settled()
            assert len(pager.attempts) == attempts


async def test_a_service_that_asks_for_patience_gets_it(outbox: Outbox) -> None:
    pager = Service(script=[NotifyError("429", retry_after=240.0)])
    async with running(Post(outbox, pager)) as post:
        await post.commit(a_delivery())
        await post.settled()
        post.pass_(239)
        await post.settled()
        assert len(pager.attempts) == 1
        post.pass_(26)
        assert await pager.took(1)


async def test_the_patience_asked_for_outlives_the_process(outbox: Outbox) -> None:
    async with running(
        Post(outbox, Service(script=[NotifyError("429", retry_after=240.0)]))
    ) as post:
        await post.commit(a_delivery())
        await post.settled()
    pager = Service()
    async with running(Post(outbox, pager)) as post:
        await post.settled()
        assert pager.attempts == []
        post.pass_(661)
        assert await pager.took(1)


async def test_a_wall_clock_that_was_set_back_delays_no_attempt_for_long(outbox: Outbox) -> None:
    pager = Service()
    await outbox.commit({}, [a_delivery(due=1e9)])
    async with running(Post(outbox, pager)) as post:
        await post.settled()
        post.pass_(3601)
        assert await pager.took(1)


@pytest.mark.parametrize(
    ("attempts", "retry_after", "least", "most"),
    [
        (1, None, 0.5, 1.0),
        (2, None, 1.0, 2.0),
        (5, None, 8.0, 16.0),
        (10, None, 150.0, 300.0),
        (10_000, None, 150.0, 300.0),
        (1, 0.0, 1.0, 1.1),
        (1, -5.0, 1.0, 1.1),
        (9, 30.0, 30.0, 33.0),
        (1, 1e12, 3600.0, 3960.0),
        (1, float("inf"), 3600.0, 3960.0),
        (1, float("nan"), 1.0, 1.1),
    ],
)
def test_waiting_doubles_and_has_bounds(
    attempts: int, retry_after: float | None, least: float, most: float
) -> None:
    waits = [retry_seconds(attempts, retry_after, Random(seed)) for seed in range(100)]
    assert least <= min(waits) < max(waits) <= most


async def test_later_messages_of_a_key_wait_behind_a_failing_one_and_other_keys_go_on(
    outbox: Outbox,
) -> None:
    pager = Service(script=[BUSY])
    async with running(Post(outbox, pager)) as post:
        await post.commit(a_delivery(NOTE, at=1))
        await pager.attempted(1)
        await post.commit(a_delivery(NOTE, at=2), a_delivery(key="b", at=3))
        assert await pager.took(1) == ["firing at 3"]
        post.pass_(2)
        assert await pager.took(3) == ["firing at 3", "note at 1", "note at 2"]


async def test_a_slow_service_delays_no_other(outbox: Outbox) -> None:
    answer = asyncio.Event()
    slow, pager = Service("slow", [answer]), Service()
    async with running(Post(outbox, slow, pager)) as post:
        await post.commit(a_delivery(to="slow"), a_delivery(), a_delivery(key="b"))
        assert len(await pager.took(2)) == 2
        assert slow.received == []
        answer.set()
        assert await slow.took(1)


async def test_one_message_at_a_time_goes_to_a_service(outbox: Outbox) -> None:
    answers = [asyncio.Event() for _ in range(3)]
    pager = Service(script=answers)
    async with running(Post(outbox, pager)) as post:
        await post.commit(*(a_delivery(key=key) for key in "abc"))
        for count, answer in enumerate(answers, start=1):
            await pager.attempted(count)
            post.dispatcher.wake()
            answer.set()
        assert len(await pager.took(3)) == 3
    assert pager.most_at_once == 1


async def test_the_minimum_pause_between_messages_of_a_service_is_kept(outbox: Outbox) -> None:
    slack = Service("slack", pause=60.0)
    async with running(Post(outbox, slack)) as post:
        await post.commit(*(a_delivery(key=key, to="slack") for key in "ab"))
        for seconds, received in ((0, 1), (59, 1), (2, 2)):
            post.pass_(seconds)
            await post.settled()
            assert len(slack.received) == received


async def test_a_service_that_does_not_answer_is_cut_off_and_tried_again(outbox: Outbox) -> None:
    pager = Service(script=[asyncio.Event()])
    async with running(Post(outbox, pager, deadline=0.01)) as post:
        await post.commit(a_delivery())
        while not (await outbox.waiting())[0].error:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        (waiting,) = await outbox.waiting()
        assert waiting.error == "no answer within 0.01 s"
        post.pass_(2)
        assert await pager.took(1)


@pytest.mark.parametrize(
    "error", [OSError(SECRET), KeyError(SECRET), asyncio.CancelledError(SECRET)], ids=repr
)
async def test_whatever_a_notifier_raises_is_tried_again_and_its_text_kept_to_itself(
    outbox: Outbox, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    caplog.set_level(logging.DEBUG)
    pager = Service(script=[error])
    async with running(Post(outbox, pager)) as post:
        await post.commit(a_delivery())
        await post.settled()
        (waiting,) = await outbox.waiting()
        assert SECRET not in waiting.error + caplog.text
        post.pass_(2)
        assert await pager.took(1)


async def test_what_a_notifier_remembers_of_a_key_is_handed_to_it_again(outbox: Outbox) -> None:
    slack = Service("slack")
    async with running(Post(outbox, slack)) as post:
        for occasion in (FIRING, CHANGED, RESOLVED, FIRING):
            await post.commit(a_delivery(occasion, to="slack"))
            await post.emptied()
    assert slack.memories == [{}, {"ts": "1"}, {"ts": "2"}, {}]


async def test_what_is_overtaken_while_a_service_is_away_is_reported_as_one(outbox: Outbox) -> None:
    slack = Service("slack", [BUSY], sends_missed_incidents=True)
    async with running(Post(outbox, slack)) as post:
        await post.commit(a_delivery(FIRING, at=100, to="slack"))
        await slack.attempted(1)
        await post.commit(
            a_delivery(CHANGED, at=200, to="slack"), a_delivery(RESOLVED, at=300, to="slack")
        )
        await post.emptied()
    (message,) = slack.received
    assert (message.occasion, message.since, message.at) == (RESOLVED, 100.0, 300.0)


async def test_a_resolve_that_was_not_taken_is_sent_again(outbox: Outbox) -> None:
    pager = Service(script=[None, BUSY, BUSY])
    async with running(Post(outbox, pager)) as post:
        await post.commit(a_delivery(FIRING, at=1))
        await post.emptied()
        await post.commit(a_delivery(RESOLVED, at=2))
        await post.emptied()
    assert await pager.took(2) == ["firing at 1", "resolved at 2"]


async def test_a_firing_that_may_have_been_received_is_always_resolved(outbox: Outbox) -> None:
    pager = Service(script=[RECEIVED])
    async with running(Post(outbox, pager)) as post:
        await post.commit(a_delivery(FIRING, at=1))
        await pager.attempted(1)
        await post.commit(a_delivery(RESOLVED, at=2))
        await post.emptied()
    assert await pager.took(2) == ["firing at 1", "resolved at 2"]


async def test_stopping_lets_a_send_finish(outbox: Outbox) -> None:
    answer = asyncio.Event()
    pager = Service(script=[answer])
    post = Post(outbox, pager)
    async with running(post):
        await post.commit(a_delivery(), a_delivery(key="b"))
        await pager.attempted(1)
        stopping = asyncio.create_task(post.dispatcher.stop(10.0))
        await asyncio.sleep(0)
        answer.set()
        await stopping
    assert len(pager.received) == 1
    assert [each.message.key for each in await outbox.waiting()] == ["b"]


async def test_stopping_cuts_off_a_send_that_takes_too_long_and_loses_nothing(
    outbox: Outbox,
) -> None:
    pager = Service(script=[asyncio.Event()])
    async with running(Post(outbox, pager)) as post:
        await post.commit(a_delivery())
        await pager.attempted(1)
    (waiting,) = await outbox.waiting()
    assert waiting.attempts == 1
    async with running(Post(outbox, pager)):
        assert await pager.took(1)


async def test_a_fault_of_the_outbox_does_not_end_the_sending(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = asyncio.Event()

    async def fail(notifier: str | None = None) -> list[object]:
        asked.set()
        raise RuntimeError(SECRET)

    pager = Service()
    async with running(Post(outbox, pager)) as post:
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "waiting", fail)
            post.dispatcher.wake()
            await asked.wait()
        await post.commit(a_delivery())
        assert await pager.took(1)
    assert SECRET not in caplog.text
