"""The first line of a message, and replies in a thread at Slack's limits."""

import pytest

from alerts.model import MessageType
from alerts.notification.meta_messages import resolve_after_restart
from alerts.notification.template import MAX_HEADLINE, headline, time_range
from alerts.notifiers import slack_blocks
from tests.alerts.samples import NOON, failing, sample_message
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


@pytest.mark.parametrize(
    ("ends", "lasted"), [((30.0,), "30 s"), ((95.0, 200.0), "3.33 min"), ((7200.0,), "2 h")]
)
def test_an_end_says_after_how_long(ends: tuple[float, ...], lasted: str) -> None:
    over = tuple(failing(ended=NOON + end) for end in ends)
    # Being certain took longer: that is no part of the outage.
    message = sample_message(MessageType.RESOLVED, resolved=over, at=NOON + max(ends) + 20)
    assert headline(message) == f"✓ RESOLVED: health recovered, after {lasted}"
    assert time_range(message).endswith(f"({lasted})")


def test_a_long_title_gives_way_to_the_duration() -> None:
    title = ", ".join(f"check-{number}" for number in range(60)) + " recovered"
    text = headline(sample_message(MessageType.RESOLVED, title=title))
    # Cut between two words.
    assert MAX_HEADLINE - len("check-10, ") < len(text) <= MAX_HEADLINE
    assert "…" in text
    assert text.endswith(" recovered, after 30 s")


def test_what_is_no_longer_monitored_says_for_how_long_it_failed() -> None:
    over = failing(ended=NOON + 60, closed="no longer monitored")
    message = sample_message(MessageType.RESOLVED, title="health is no longer monitored",
                             resolved=(over,))  # fmt: skip
    assert headline(message) == "- CLOSED: health is no longer monitored, after 60 s"


def test_an_end_of_something_unknown_has_a_time_and_no_duration() -> None:
    message = resolve_after_restart("slack", "paircam.live", "lax", NOON).message
    assert headline(message) == "✓ RESOLVED: paircam.live works"
    assert time_range(message).startswith("at ")
    assert "(" not in time_range(message)


def test_what_fires_says_since_when() -> None:
    assert headline(sample_message()).endswith(", since 08:00:00 UTC")
