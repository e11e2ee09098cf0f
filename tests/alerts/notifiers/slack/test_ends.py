"""Whatever Slack answers at the very end of an incident, the end is there once, with its times."""

import asyncio

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from alerts.model import Delivery
from alerts.notifiers.slack import SlackBot, SlackWebhook
from alerts.outbox.outbox import Outbox
from tests.alerts.services import Post, running
from tests.alerts.words import FIRING, RESOLVED, a_delivery
from tests.servers.receivers.slack import SlackApi, SlackWebhookService
from tests.servers.services import Failure

PATIENCE = Failure(429, "", {"Retry-After": "240"})
LIMITED = Failure(200, '{"ok": false, "error": "ratelimited"}', {"Retry-After": "30"})
FAILS = Failure(503)
TAKEN = Failure(503, accepted=True)
RESET = Failure(reset=True)
ABSENT = Failure(absent=True)
END = "✓ RESOLVED: resolved at 9, after 4 s"


async def sent(post: Post, delivery: Delivery) -> None:
    """Let time pass until it waits no more."""
    async with asyncio.timeout(60):
        await post.commit(delivery)
        while await post.outbox.waiting():
            post.pass_(30.0)
            await post.settled()


@pytest.mark.parametrize(
    "answers",
    [
        [PATIENCE],
        [LIMITED],
        [FAILS, FAILS, FAILS],
        [TAKEN],
        [RESET],
        [ABSENT, ABSENT, ABSENT],
        # The message is changed, and the reply fails.
        [None, PATIENCE],
        [None, LIMITED, None, FAILS],
        [None, TAKEN],
        [None, RESET],
        [None, ABSENT],
        [PATIENCE, TAKEN, None, RESET],
    ],
)
async def test_a_bot_ends_an_incident_once(answers: list[Failure | None], leaks: None) -> None:
    async with SlackApi("t0ken") as slack:
        bot = SlackBot(SecretStr("t0ken"), "#alerts", SecretStr(f"{slack.url}/api"))
        outbox = await Outbox.open(None)
        async with running(Post(outbox, bot)) as post:
            await sent(post, a_delivery(FIRING, at=5.0, to="slack"))
            slack.fail.extend(answers)
            end = a_delivery(RESOLVED, at=9.0, to="slack")
            await sent(post, replace(end, message=replace(end.message, since=5.0)))
        await outbox.close()
        (message,) = slack.messages.values()
        assert message["text"] == END
        assert len(slack.replies) == 1
        assert not slack.fail
        assert post.refused == []


@pytest.mark.parametrize("answers", [[PATIENCE], [FAILS, FAILS], [ABSENT], [PATIENCE, ABSENT]])
async def test_a_webhook_that_was_not_taken_is_posted_once(
    answers: list[Failure | None], leaks: None
) -> None:
    async with SlackWebhookService() as slack:
        hook = SlackWebhook(SecretStr(f"{slack.url}/services/T0/B0/5ecret"))
        outbox = await Outbox.open(None)
        async with running(Post(outbox, hook)) as post:
            await sent(post, a_delivery(FIRING, at=5.0, to="slack"))
            slack.fail.extend(answers)
            end = a_delivery(RESOLVED, at=9.0, to="slack")
            await sent(post, replace(end, message=replace(end.message, since=5.0)))
        await outbox.close()
        assert [each["text"] for each in slack.taken] == [slack.taken[0]["text"], END]
        assert post.refused == []
