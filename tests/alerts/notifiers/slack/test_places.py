"""The message that a bot remembers is gone, in another channel than now, or another probe's turn:
what stands in a channel is changed at the end, wherever that is possible."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from alerts.model import MessageType, NotifyError
from alerts.notifier import REPEATED
from alerts.notifiers.slack import SlackBot
from tests.alerts.words import CHANGED, FIRING, NOTE, REMINDER, RESOLVED, a_message
from tests.servers.receivers.slack import SlackApi
from tests.servers.services import Failure


@pytest.fixture
async def other() -> AsyncIterator[SlackApi]:
    async with SlackApi("t0ken", "C1", "#moved") as service:
        yield service


def bot(slack: SlackApi, channel: str = "#alerts") -> SlackBot:
    """A bot that posts there."""
    return SlackBot(SecretStr("t0ken"), channel, SecretStr(f"{slack.url}/api"))


def refused(word: str) -> Failure:
    """What Slack answers."""
    return Failure(status=200, body=f'{{"ok": false, "error": "{word}"}}')


@pytest.mark.parametrize("occasion", [CHANGED, REMINDER, RESOLVED])
async def test_in_another_workspace_the_message_is_posted_anew(
    slack: SlackApi, other: SlackApi, occasion: MessageType
) -> None:
    """Its channel has the same name there, and another ID."""
    memory = await bot(slack).send(a_message(FIRING, at=5.0), {})
    other._name = "#alerts"
    memory = await bot(other).send(a_message(occasion, at=9.0), memory)
    (message,) = other.messages.values()
    assert "at 9" in message["text"]
    assert memory["channel"] == "C1"


@pytest.mark.parametrize(
    "word", ["channel_not_found", "is_archived", "not_in_channel", "message_not_found"]
)
async def test_the_end_is_posted_where_the_message_cannot_be_changed(
    slack: SlackApi, word: str
) -> None:
    memory = await bot(slack).send(a_message(FIRING, at=5.0), {})
    slack.fail.append(refused(word))
    await bot(slack).send(replace(a_message(RESOLVED, at=9.0), since=5.0), memory)
    assert len(slack.messages) == 2


async def test_an_end_that_cannot_be_posted_either_is_refused(slack: SlackApi) -> None:
    memory = await bot(slack).send(a_message(FIRING, at=5.0), {})
    slack.fail.extend([refused("is_archived"), refused("is_archived")])
    with pytest.raises(NotifyError, match="is_archived") as refusal:
        await bot(slack).send(a_message(RESOLVED, at=9.0), memory)
    assert refusal.value.permanent


async def test_what_is_found_in_the_channel_and_cannot_be_changed_is_posted(
    slack: SlackApi,
) -> None:
    memory = await bot(slack).send(a_message(FIRING, at=5.0), {})
    gone = refused("edit_window_closed")
    slack.fail.extend([gone, gone])
    ended = replace(a_message(RESOLVED, at=9.0), since=5.0)
    await bot(slack).send(ended, {**memory, REPEATED: "yes"})
    assert len(slack.messages) == 2


@pytest.mark.parametrize("between", [[], [CHANGED], [CHANGED, NOTE, REMINDER]])
async def test_the_message_in_the_channel_of_before_is_ended_too(
    slack: SlackApi, between: list[MessageType]
) -> None:
    memory = await bot(slack).send(a_message(FIRING, at=5.0), {})
    slack._name = "#moved"
    for place, occasion in enumerate(between, 6):
        note = occasion is NOTE
        found = await bot(slack, "#moved").send(a_message(occasion, at=place), memory)
        memory = memory if note else found
    await bot(slack, "#moved").send(a_message(RESOLVED, at=90.0), memory)
    notes = between.count(NOTE)
    assert len(slack.messages) == 2 + notes
    assert sum("at 90" in each["text"] for each in slack.messages.values()) == 2


async def test_a_channel_of_before_that_refuses_holds_up_no_end(
    slack: SlackApi, caplog: pytest.LogCaptureFixture
) -> None:
    memory = await bot(slack).send(a_message(FIRING, at=5.0), {})
    slack._name = "#moved"
    slack.fail.extend([None, refused("internal_error"), refused("internal_error")])
    await bot(slack, "#moved").send(a_message(RESOLVED, at=9.0), memory)
    assert len(slack.messages) == 2
    assert "internal_error" in caplog.text


async def test_a_quiet_end_changes_the_message_and_nothing_else(slack: SlackApi) -> None:
    memory = await bot(slack).send(a_message(FIRING, at=5.0), {})
    quiet = replace(a_message(RESOLVED, at=9.0), quiet=True)
    assert await bot(slack).send(quiet, memory) == {}
    (message,) = slack.messages.values()
    assert "at 9" in message["text"]
    assert slack.replies == []


@pytest.mark.parametrize("word", ["", "message_not_found"])
async def test_a_quiet_end_posts_nothing(slack: SlackApi, word: str) -> None:
    quiet, memory = replace(a_message(RESOLVED, at=9.0), quiet=True), {}
    if word:
        memory = {"channel": "C0", "ts": "1.0"}
    assert await bot(slack).send(quiet, memory) == {}
    assert slack.messages == {}
