"""Error codes of Slack, by what is to be done.

https://docs.slack.dev/reference/methods/chat.postMessage, chat.update; incoming webhooks.
"""

from collections.abc import Iterable

# Errors of the Web API that may pass on a later attempt.
PASSING = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"}
    | {"request_timeout", "team_added_to_org", "external_channel_migrating", "update_failed"}
)
# The message that we remember is gone, or in a channel that is, or of another workspace: there is
# nothing to change.
GONE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed"}
    | {"channel_not_found", "is_archived", "is_inactive", "not_in_channel"}
)
# A message can't be replied to, or is gone since it was changed.
NO_THREAD = frozenset(
    {"thread_not_found", "thread_locked", "cannot_reply_to_message", "message_not_found"}
    | {"restricted_action_thread_locked", "restricted_action_non_threadable_channel"}
)
# What an incoming webhook says of a message without content.
NO_CONTENT = frozenset({"no_text", "invalid_payload", "missing_text_or_fallback_or_attachments"})
# It can't show the blocks: the text alone says what users lose.
BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})


def reason(code: str) -> str:
    """Why a message was not accepted, for people."""
    return f"Slack refuses: {code}"


def reasons(codes: Iterable[str]) -> set[str]:
    """The same of several codes."""
    return {reason(code) for code in codes}
