"""Where a bot's messages of an incident are: as it remembers, or as the channel says.

Remembered are the message of the channel that is configured, and one in a channel that was before.
A message whose answer was lost may be in the channel all the same: each message that is posted
carries metadata with an identity of its own
(https://docs.slack.dev/messaging/message-metadata). conversations.history and .replies give it
back to a token with ``channels:history`` (``groups:history`` in a private channel).
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from alerts.model import Message, MessageType, NotifyError
from alerts.notifier import REPEATED, TO

CHANNEL, TS = "channel", "ts"
OLD_CHANNEL, OLD_TS = "old_channel", "old_ts"
EVENT = "probe_notification"
# Messages of the channel that are searched, since before the incident began: the clocks differ.
LIMIT = 200
BEFORE_SECONDS = 600.0

UNSEEN = (
    "Slack may have the message, and its channel can't be read (%s): it is posted, perhaps again;"
    " the bot needs channels:history, and channels:read for a channel's name"
)

logger = logging.getLogger(__name__)

Call = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


def place_of(memory: Mapping[str, str], configured: str) -> dict[str, str]:
    """The message to change, unless it is in a channel that isn't ours any more; empty without.
    ``configured`` is the channel as it is now, of which Slack gives the ID."""
    return _place(memory, CHANNEL, TS) if memory.get(TO, configured) == configured else {}


def left_behind(memory: Mapping[str, str], configured: str) -> dict[str, str]:
    """The message in the channel of before, which is to be changed once more; empty without."""
    if memory.get(TO, configured) != configured:
        return _place(memory, CHANNEL, TS)
    return _place(memory, OLD_CHANNEL, OLD_TS)


def remembered(place: Mapping[str, str], configured: str, old: Mapping[str, str]) -> dict[str, str]:
    """What is to be remembered of a message, and of one that was ``left_behind``."""
    kept = {OLD_CHANNEL: old[CHANNEL], OLD_TS: old[TS]} if old else {}
    return {**place, TO: configured, **kept}


def _place(memory: Mapping[str, str], channel: str, ts: str) -> dict[str, str]:
    found = {CHANNEL: memory.get(channel, ""), TS: memory.get(ts, "")}
    return found if all(found.values()) else {}


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:32]


def marks(message: Message) -> dict[str, Any]:
    """``id`` is the same for each attempt to post a message, and for no other message;
    ``incident`` and ``since`` are those of the incident, which stay when messages of it are joined
    while they wait."""
    return {
        "id": _hash(message.key, message.occasion.value, message.at, message.region),
        "incident": _hash(message.key, message.region),
        "since": message.since,
    }


def _is_it(found: Mapping[str, Any], message: Message, *, in_thread: bool) -> bool:
    marks_of_message, since = marks(message), found.get("since")
    if in_thread or message.occasion is MessageType.NOTE:
        return bool(found.get("id") == marks_of_message["id"])
    # An incident of the same key that was over before this one began has an earlier time.
    is_same = isinstance(since, (int, float)) and since >= message.since
    return is_same and bool(found.get("incident") == marks_of_message["incident"])


def with_metadata(content: Mapping[str, Any], message: Message) -> dict[str, Any]:
    """A message's content, to be recognized in the channel."""
    return {**content, "metadata": {"event_type": EVENT, "event_payload": marks(message)}}


async def find(
    call: Call, channel: str, message: Message, memory: Mapping[str, str], thread: str = ""
) -> dict[str, str]:
    """Where a message is of which an attempt before this one may have been accepted: ``channel``
    and ``ts``, in a thread or in the channel; empty if it is not there. ``channel`` is an ID or
    ``#name``.

    A channel that can't be read delays nothing: the message is posted, perhaps again.
    """
    if REPEATED not in memory:
        return {}
    try:
        return await _search(call, channel, message, thread)
    except NotifyError as error:
        logger.warning(UNSEEN, error.reason)
        return {}


async def _search(call: Call, channel: str, message: Message, thread: str) -> dict[str, str]:
    number = await _channel_id(call, channel)
    arguments: dict[str, Any] = {
        "channel": number,
        "oldest": f"{message.since - BEFORE_SECONDS:.6f}",
        "limit": LIMIT,
        "include_all_metadata": "true",
    }
    if thread:
        found = await call("conversations.replies", {**arguments, "ts": thread})
    else:
        found = await call("conversations.history", arguments)
    for each in _dicts(found.get("messages")):
        metadata = each.get("metadata")
        payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
        if isinstance(payload, dict) and _is_it(payload, message, in_thread=bool(thread)):
            return {"channel": number, "ts": str(each.get("ts", ""))}
    return {}


async def _channel_id(call: Call, channel: str) -> str:
    """The ID of a channel: history takes no name."""
    if channel[:1] in "CGD" and channel.isalnum() and channel.isupper():
        return channel
    query = {"types": "public_channel,private_channel", "exclude_archived": "true", "limit": 1000}
    found = await call("conversations.list", query)
    name = channel.removeprefix("#")
    ids = (
        str(each.get("id")) for each in _dicts(found.get("channels")) if each.get("name") == name
    )
    return next(ids, channel)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
