"""Replies in a thread at Slack's limits."""

import pytest

from alerts.model import MessageType
from alerts.notifiers import slack_blocks
from tests.alerts.samples import sample_message
from tests.servers.receivers.slack import problem, shown, stray


@pytest.mark.parametrize("count", [1, 9, 10, 20, 21, 2000, 10_000])
@pytest.mark.parametrize("mention", ["<!channel>", " ".join(["<!subteam^S0123456789>"] * 400)])
def test_whoever_is_mentioned_is_so_under_however_many_changes(count: int, mention: str) -> None:
    news = tuple(f"now also check-{each}: it fails <&> {'`x_' * 200}" for each in range(count))
    message = sample_message(MessageType.CHANGED, news=news)
    for document in (slack_blocks.reply(message, mention), slack_blocks.document(message, mention)):
        assert problem(document) == ""
        assert stray(document) == []
        assert shown(document).rstrip().endswith(mention.split()[0])
        assert len(document["text"]) <= 4000
        assert "check-0:" in shown(document)


def test_changes_that_are_not_shown_are_counted() -> None:
    news = tuple(f"now also check-{each}: reason {each}" for each in range(100))
    text = shown(slack_blocks.reply(sample_message(MessageType.CHANGED, news=news)))
    assert "check-19: reason 19" in text
    assert "and 80 more changes" in text
