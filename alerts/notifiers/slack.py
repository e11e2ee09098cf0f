"""Slack: by an incoming webhook, or by a bot that can change and thread its messages.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
https://docs.slack.dev/reference/methods/chat.postMessage, chat.update, block-kit/blocks.
"""

import logging
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from alerts.model import Message, MessageType, NotifyError, Severity
from alerts.notifier import Notifier
from alerts.notifiers import slack_errors
from alerts.notifiers.base import (
    NotifierKind,
    error_code,
    error_from_answer,
    post,
)
from alerts.notifiers.slack_history import find, left_behind, place_of, remembered, with_metadata
from probe.core.environment import Environment
from probe.core.kind import lazy_import
from probe.net.urls import HttpUrl, TokenBaseUrl
from probe.report.text.sanitize import clean

PAUSE_SECONDS = 1.0
NOT_SLACK = "the answer is not Slack's (a proxy, a login page?)"
# https://docs.slack.dev/messaging/formatting-message-text, and what people take for one.
_MENTION = re.compile(r"<(!(here|channel|everyone)|!subteam\^S[A-Z0-9]+|@[UW][A-Z0-9]+)>")
_CHANNEL_MENTIONS = re.compile(r"@(here|channel|everyone)")
SEVERITY = "severity"

logger = logging.getLogger(__name__)


class SlackEnvironment(Environment):
    """An incoming webhook, or a bot's token and its channel."""

    webhook: HttpUrl | None = Field(default=None, alias="SLACK_WEBHOOK")
    """Incoming webhook of a Slack channel. Example: `https://hooks.slack.com/services/T…/B…/…`"""
    bot_token: SecretStr | None = Field(default=None, alias="SLACK_BOT_TOKEN")
    """Token of a Slack bot with `chat:write`, instead of a webhook: it edits its messages and
    replies in their threads. Example: `xoxb-…`"""
    channel: str | None = Field(default=None, alias="SLACK_CHANNEL")
    """Channel that the bot posts to. Example: `#alerts`"""
    mention: str | None = Field(default=None, alias="SLACK_MENTION")
    """Mention in critical messages. Example: `<!channel>`"""
    api_url: TokenBaseUrl = Field(default=SecretStr("https://slack.com/api"), alias="SLACK_API_URL")
    """Other address of Slack's API (proxies)."""

    @field_validator("bot_token")
    @classmethod
    def _is_a_bot(cls, value: SecretStr | None) -> SecretStr | None:
        token = value.get_secret_value() if value else ""
        if not (token.isascii() and (token.isprintable() and " " not in token)):
            raise ValueError("this is not a token: a bot's begins with xoxb-")
        if token.startswith(("xapp-", "xoxp-", "http")):
            raise ValueError("this is not a bot's token: a bot's begins with xoxb-")
        return value

    @field_validator("channel")
    @classmethod
    def _is_a_channel(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"#?[\w.-]+", value):
            raise ValueError("this is not a channel: write its ID (C0123ABCD) or #name")
        return value

    @field_validator("mention")
    @classmethod
    def _mentions(cls, value: str | None) -> str | None:
        mentions = [_CHANNEL_MENTIONS.sub(r"<!\1>", each) for each in (value or "").split()]
        if not all(_MENTION.fullmatch(each) for each in mentions):
            raise ValueError("write <!here>, <!channel>, <@U…> with a member's ID or <!subteam^S…>")
        return " ".join(mentions) or None

    @model_validator(mode="after")
    def _whole_bot(self) -> Self:
        if (self.bot_token is None) != (self.channel is None):
            raise ValueError("SLACK_BOT_TOKEN and SLACK_CHANNEL belong together: set both")
        return self


def should_mention(message: Message, memory: Mapping[str, str]) -> bool:
    """Whether to mention somebody: it is critical, and new, escalated or a reminder."""
    if message.severity is not Severity.CRITICAL or message.test:
        return False
    mentions = message.occasion in (MessageType.FIRING, MessageType.REMINDER)
    return mentions or _escalates(message, memory)


class SlackWebhook:
    """Posts a message for each news; a webhook gives no handle to change one."""

    name, sends_missed_incidents, resend_seconds, pause = "slack", True, None, PAUSE_SECONDS

    def __init__(self, url: SecretStr, mention: str = "") -> None:
        self._url, self._mention = url, mention

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Post it. Raises NotifyError."""
        from alerts.notifiers.slack_client import post_webhook

        content = document(message, self._mention, memory)
        answer = await post_webhook(self._url.get_secret_value(), content)
        if error_code(answer.text) in slack_errors.BLOCKS:
            answer = await post_webhook(self._url.get_secret_value(), _without_blocks(content))
        if answer.status != 200:
            raise error_from_answer(answer, "Slack", error_code(answer.text))
        if answer.text.strip() != "ok":
            raise NotifyError(
                slack_errors.reason(code) if (code := error_code(answer.text)) else NOT_SLACK
            )
        return {SEVERITY: message.severity.value}

    async def verify(self) -> str:
        """Post a message without any text, which a webhook that exists refuses as such. Raises
        NotifyError."""
        answer = await post(self._url.get_secret_value(), json={})
        code = error_code(answer.text)
        if answer.status == 400 and code in slack_errors.NO_CONTENT:
            return "the webhook exists"
        raise error_from_answer(answer, "Slack", code)


class SlackBot:
    """One message for each incident: changed in place, answered in its thread at the end."""

    name, sends_missed_incidents, resend_seconds, pause = "slack", True, None, PAUSE_SECONDS
    edits = True

    def __init__(
        self, token: SecretStr, channel: str, api_url: SecretStr, mention: str = ""
    ) -> None:
        self._token, self._channel, self._mention = token, channel, mention
        self._api = api_url.get_secret_value()

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Post, or change what was posted. Raises NotifyError.

        The reply in the thread comes last: a repetition after an error changes the message
        to what it is already, and replies once.
        """
        content = document(message, self._mention, memory, whole=True)
        place = place_of(memory, self._channel)
        if message.quiet:
            await self._change(place, content)
            return {}
        if message.occasion is MessageType.NOTE or not await self._change(place, content):
            place = await self._post(content, message, memory)
        elif answer := self._reply(message, memory):
            await self._reply_in(place, message, memory, answer)
        old = left_behind(memory, self._channel)
        if message.occasion is MessageType.RESOLVED:
            await self._end_old(old, content)
        if len(place) < 2:
            return {}
        return {**remembered(place, self._channel, old), SEVERITY: message.severity.value}

    async def verify(self) -> str:
        """Ask whose token it is (auth.test). Raises NotifyError."""
        found = await self._call("auth.test", {})
        bot, team = (clean(str(found.get(each, ""))) for each in ("user", "team"))
        return f"the token is accepted: {bot} of {team}; {self._channel} is not tried"

    async def _change(self, place: Mapping[str, str], content: Mapping[str, Any]) -> bool:
        """Change a message; False if there is none, or it is gone."""
        if not place:
            return False
        try:
            await self._call("chat.update", {**place, **content})
        except NotifyError as error:
            if error.reason not in slack_errors.reasons(slack_errors.GONE):
                raise
            return False
        return True

    async def _end_old(self, place: Mapping[str, str], content: Mapping[str, Any]) -> None:
        """Change what stands in the channel of before, if that is possible."""
        try:
            await self._change(place, content)
        except NotifyError as error:
            logger.warning("the message in the previous channel stays as it is: %s", error.reason)

    def _reply(self, message: Message, memory: Mapping[str, str]) -> dict[str, Any] | None:
        """The reply in the thread: an edit sends no notification."""
        from alerts.notifiers.slack_blocks import reply

        ends = message.occasion in (MessageType.RESOLVED, MessageType.REMINDER)
        if not (ends or message.news or _escalates(message, memory)):
            return None
        mention = self._mention if should_mention(message, memory) else ""
        content = reply(message, mention)
        return {**content, "reply_broadcast": True} if _escalates(message, memory) else content

    async def _post(
        self, content: Mapping[str, Any], message: Message, memory: Mapping[str, str]
    ) -> dict[str, str]:
        """Post it, unless it is there; where it is."""
        place = await find(partial(self._call, reads=True), self._channel, message, memory)
        if await self._change(place, content):
            return place
        marked = with_metadata(content, message)
        found = await self._call("chat.postMessage", {"channel": self._channel, **marked})
        return {name: str(found[name]) for name in ("channel", "ts") if name in found}

    async def _reply_in(
        self,
        place: Mapping[str, str],
        message: Message,
        memory: Mapping[str, str],
        content: Mapping[str, Any],
    ) -> None:
        """Reply in a thread, unless the reply is there."""
        if await find(
            partial(self._call, reads=True), place["channel"], message, memory, place["ts"]
        ):
            return
        thread = {"channel": place["channel"], "thread_ts": place["ts"]}
        marked = with_metadata(content, message)
        try:
            await self._call("chat.postMessage", {**thread, **marked})
        except NotifyError as error:
            if error.reason not in slack_errors.reasons(slack_errors.NO_THREAD):
                raise
            # Slack sends no notification for an edit, so the channel gets a message.
            marked.pop("reply_broadcast", None)
            await self._call("chat.postMessage", {"channel": place["channel"], **marked})

    async def _call(
        self, method: str, arguments: Mapping[str, Any], *, reads: bool = False
    ) -> Mapping[str, Any]:
        from alerts.notifiers.slack_client import call_method, document_of

        # chat.update turns plain text into links and mentions unless parse is "none".
        sent = dict(arguments) if reads else {"parse": "none", **arguments}
        token = self._token.get_secret_value()
        answer = await call_method(self._api, token, method, sent, reads=reads)
        found = document_of(answer)
        code = error_code(str(found.get("error", "")))
        if code in slack_errors.BLOCKS and "blocks" in sent:
            return await self._call(method, _without_blocks(sent))
        if answer.status != 200:
            raise error_from_answer(answer, "Slack", code)
        if found.get("ok") is not True:
            # Without an error code the answer is not Slack's, but perhaps a proxy's.
            permanent = bool(code) and code not in slack_errors.PASSING
            reason = slack_errors.reason(code) if code else NOT_SLACK
            raise NotifyError(reason, permanent=permanent, retry_after=answer.retry_after)
        return found


def document(
    message: Message,
    mention: str = "",
    memory: Mapping[str, str] | None = None,
    *,
    whole: bool = False,
) -> dict[str, Any]:
    """What is posted. ``memory`` says how severe it was when it was sent before, ``whole``
    that an update is to show all that is known."""
    from alerts.notifiers import slack_blocks

    called = mention if should_mention(message, memory or {}) else ""
    return slack_blocks.document(message, called, whole=whole)


def make(environment: SlackEnvironment) -> Notifier | None:
    """The bot where one is configured, for it can do more; else the webhook."""
    mention = environment.mention or ""
    if environment.bot_token is not None and environment.channel is not None:
        return SlackBot(environment.bot_token, environment.channel, environment.api_url, mention)
    return SlackWebhook(environment.webhook, mention) if environment.webhook else None


def _escalates(message: Message, memory: Mapping[str, str]) -> bool:
    critical = message.severity is Severity.CRITICAL and message.occasion is MessageType.CHANGED
    return critical and memory.get(SEVERITY) == Severity.WARNING


def _without_blocks(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "blocks"}


KIND = NotifierKind(
    "slack",
    "messages in a channel",
    SlackEnvironment,
    frozenset(Severity),
    make,
    load=lazy_import("alerts.notifiers.slack_blocks", "alerts.notifiers.slack_client"),
)
