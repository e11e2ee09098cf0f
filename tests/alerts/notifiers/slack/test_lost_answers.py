"""Slack took a message and its answer was lost: the next attempt finds it in the channel."""

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from alerts.model import MessageType, NotifyError
from alerts.notifier import REPEATED
from alerts.notifiers.slack import SlackBot
from tests.alerts.words import CHANGED, FIRING, NOTE, RESOLVED, a_message
from tests.servers.receivers.slack import SlackApi
from tests.servers.services import Failure

AGAIN = {REPEATED: "yes"}


def bot(slack: SlackApi, channel: str = "#alerts") -> SlackBot:
    """A bot that posts there."""
    return SlackBot(SecretStr("t0ken"), channel, SecretStr(f"{slack.url}/api"))


async def lose(slack: SlackApi, **parts: object) -> None:
    """Post a message whose answer is lost."""
    slack.fail.append(Failure(trickle=0.0, reset=True))
    with pytest.raises(NotifyError):
        await bot(slack).send(a_message(at=5.0, **parts), {})  # type: ignore[arg-type]
    slack.fail.clear()
    assert len(slack.messages) == 1


@pytest.mark.parametrize("channel", ["#alerts", "C0"])
async def test_a_message_with_a_lost_answer_is_found_and_not_posted_again(
    slack: SlackApi, channel: str
) -> None:
    await lose(slack)
    memory = await bot(slack, channel).send(a_message(at=5.0), AGAIN)
    (ts,) = slack.messages
    assert (memory["channel"], memory["ts"]) == ("C0", ts)
    ended = a_message(RESOLVED, at=9.0)
    await bot(slack, channel).send(replace(ended, since=5.0), memory)
    assert len(slack.messages) == 1
    assert [place for place, _ in slack.replies] == [ts]


@pytest.mark.parametrize("status", [500, 503])
async def test_a_message_that_slack_has_taken_with_an_error_is_not_posted_again(
    slack: SlackApi, status: int
) -> None:
    slack.fail.append(Failure(status, accepted=True))
    with pytest.raises(NotifyError):
        await bot(slack).send(a_message(at=5.0), {})
    memory = await bot(slack).send(a_message(at=5.0), AGAIN)
    assert list(slack.messages) == [memory["ts"]]


async def test_a_change_that_fails_on_the_way_is_made_at_once(slack: SlackApi) -> None:
    memory = await bot(slack).send(a_message(at=5.0), {})
    slack.fail.append(Failure(503))
    await bot(slack).send(replace(a_message(RESOLVED, at=9.0), since=5.0), memory)
    (message,) = slack.messages.values()
    assert "RESOLVED" in message["text"]
    assert len(slack.replies) == 1


@pytest.mark.parametrize("occasion", [FIRING, RESOLVED])
async def test_what_was_joined_with_it_while_it_waited_changes_the_message(
    slack: SlackApi, occasion: MessageType
) -> None:
    await lose(slack)
    joined = replace(a_message(occasion, at=50.0), since=4.0)
    await bot(slack).send(joined, AGAIN)
    (message,) = slack.messages.values()
    assert "at 50" in message["text"]


async def test_an_earlier_incident_of_the_same_key_is_another_message(slack: SlackApi) -> None:
    await bot(slack).send(a_message(at=5.0), {})
    await bot(slack).send(a_message(at=70.0), AGAIN)
    assert len(slack.messages) == 2


@pytest.mark.parametrize("lost", [Failure(trickle=0.0, reset=True), Failure(503, accepted=True)])
async def test_a_reply_with_a_lost_answer_is_not_posted_again(
    slack: SlackApi, lost: Failure
) -> None:
    memory = dict(await bot(slack).send(a_message(at=5.0), {}))
    ended = replace(a_message(RESOLVED, at=9.0), since=5.0)
    slack.fail.extend([None, lost])
    with pytest.raises(NotifyError):
        await bot(slack).send(ended, memory)
    await bot(slack).send(ended, memory | AGAIN)
    assert len(slack.replies) == 1


async def test_a_note_is_found_by_itself_alone(slack: SlackApi) -> None:
    await lose(slack, occasion=NOTE)
    await bot(slack).send(a_message(NOTE, at=5.0), AGAIN)
    assert len(slack.messages) == 1
    await bot(slack).send(a_message(NOTE, at=6.0), AGAIN)
    assert len(slack.messages) == 2


@pytest.mark.parametrize("word", ["missing_scope", "ratelimited", "internal_error"])
async def test_a_channel_that_cannot_be_read_delays_nothing(
    slack: SlackApi, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    await lose(slack)
    slack.read_error = word
    await bot(slack).send(a_message(at=5.0), AGAIN)
    assert len(slack.messages) == 2
    assert word in caplog.text
    assert "channels:history" in caplog.text


async def test_a_first_attempt_reads_nothing(slack: SlackApi) -> None:
    memory = await bot(slack).send(a_message(at=5.0), {})
    await bot(slack).send(replace(a_message(CHANGED, at=6.0), since=5.0), memory)
    assert slack.reads == []
