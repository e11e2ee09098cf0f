"""Slack: by an incoming webhook, or by a bot that can change and thread its messages.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
https://docs.slack.dev/reference/methods/chat.postMessage, chat.update, block-kit/blocks.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, SecretStr, model_validator

from alerts.model import Message, NotifyError, Occasion, Severity
from alerts.notifier import Notifier
from alerts.notifiers.base import Answer, NotifierKind, post, refuse, word_of
from alerts.texts import headline, lines, steps
from probe.net.urls import BaseUrl, HttpUrl
from probe.variables import Environment

# Slack's limits, in characters.
HEADER, SECTION = 150, 3000
PAUSE_SECONDS = 1.0
# Errors of the Web API that a later attempt may turn out otherwise.
PASSING = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"}
    | {"request_timeout", "team_added_to_org"}
)
# The message that we remember is gone: there is nothing to change.
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


class SlackEnvironment(Environment):
    """An incoming webhook, or a bot's token and its channel."""

    webhook: HttpUrl | None = Field(default=None, alias="SLACK_WEBHOOK")
    bot_token: SecretStr | None = Field(default=None, alias="SLACK_BOT_TOKEN")
    channel: str | None = Field(default=None, alias="SLACK_CHANNEL")
    mention: str | None = Field(
        default=None, alias="SLACK_MENTION", pattern=r"^(<[!@][^<>]+>|@\w+)$"
    )
    api_url: BaseUrl = Field(default=SecretStr("https://slack.com/api"), alias="SLACK_API_URL")

    @model_validator(mode="after")
    def _whole_bot(self) -> Self:
        if (self.bot_token is None) != (self.channel is None):
            raise ValueError("SLACK_BOT_TOKEN and SLACK_CHANNEL belong together: set both")
        return self


def blocks(message: Message, mention: str = "") -> list[dict[str, Any]]:
    """A message as blocks, within Slack's limits whatever a target says."""
    facts = "\n".join(_escaped(line) for line in lines(message))
    found: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": headline(message)[:HEADER]}},
        _section(facts),
    ]
    if to_do := steps(message):
        title = "" if message.occasion is Occasion.NOTE else "*First steps*\n"
        numbered = "\n".join(f"{number}. {_escaped(step)}" for number, step in enumerate(to_do, 1))
        found.append(_section(title + (numbered if title else _escaped(message.text))))
    if message.links:
        found.append(_section(" · ".join(_link(name, url) for name, url in message.links)))
    if mention and message.occasion in (Occasion.FIRING, Occasion.REMINDER):
        found.append(_section(mention))
    return found


class SlackWebhook:
    """Posts a message for each news; a webhook gives no handle to change one."""

    name, tells_past, resend_seconds, pause = "slack", True, None, PAUSE_SECONDS

    def __init__(self, url: SecretStr, mention: str = "") -> None:
        self._url, self._mention = url, mention

    async def send(self, message: Message, memory: Mapping[str, str]) -> Mapping[str, str]:
        """Post it. Raises NotifyError."""
        answer = await post(self._url.get_secret_value(), json=document(message, self._mention))
        if answer.status != 200:
            raise refuse(answer, "Slack", word_of(answer.text))
        if answer.text.strip() != "ok":
            raise NotifyError(f"Slack answers 200 and does not say ok ({word_of(answer.text)})")
        return {}


class SlackBot:
    """One message for each incident: changed in place, answered in its thread at the end."""

    name, tells_past, resend_seconds, pause = "slack", True, None, PAUSE_SECONDS

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
        content = document(message, self._mention)
        place = dict(memory)
        if not place or message.occasion is Occasion.NOTE:
            return await self._post(content)
        try:
            await self._call("chat.update", {**place, **content})
        except NotifyError as error:
            if error.reason not in {_reason(word) for word in GONE}:
                raise
            return await self._post(content)
        if message.occasion in (Occasion.RESOLVED, Occasion.REMINDER):
            reply = {"channel": place["channel"], "thread_ts": place["ts"]}
            text = headline(message)
            await self._call("chat.postMessage", {**reply, "text": _escaped(text)})
        return place

    async def _post(self, content: Mapping[str, Any]) -> Mapping[str, str]:
        found = await self._call("chat.postMessage", {"channel": self._channel, **content})
        return {"channel": str(found["channel"]), "ts": str(found["ts"])}

    async def _call(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}"}
        answer = await post(f"{self._api}/{method}", json=dict(arguments), headers=headers)
        found = _read(answer)
        if answer.status != 200:
            raise refuse(answer, "Slack", word_of(str(found.get("error", ""))))
        if found.get("ok") is not True:
            word = word_of(str(found.get("error", ""))) or "no word"
            raise NotifyError(
                _reason(word), permanent=word not in PASSING, retry_after=answer.retry_after
            )
        return found


def document(message: Message, mention: str = "") -> dict[str, Any]:
    """What is posted: ``text`` is what a notification shows."""
    wakes = mention and message.severity is Severity.CRITICAL and not message.test
    return {
        "text": _escaped(headline(message))[:SECTION],
        "blocks": blocks(message, mention if wakes else ""),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def make(environment: SlackEnvironment) -> Notifier | None:
    """The bot where there is one, for it can do more; else the webhook."""
    mention = environment.mention or ""
    if environment.bot_token is not None and environment.channel is not None:
        return SlackBot(environment.bot_token, environment.channel, environment.api_url, mention)
    return SlackWebhook(environment.webhook, mention) if environment.webhook else None


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _shorter(text)}}


def _shorter(text: str) -> str:
    """Cut between characters, never within an escape."""
    if len(text) <= SECTION:
        return text or "-"
    return re.sub(r"&[a-z]{0,3}$", "", text[: SECTION - 1]) + "…"


def _escaped(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text: three characters; so no text
    of a target's can mention or link. Marks of formatting are broken by a zero-width joiner."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`])", "\\1\u2060", text)


def _link(name: str, url: str) -> str:
    return f"<{url.replace('>', '%3E').replace('|', '%7C')}|{_escaped(name)}>"


def _reason(word: str) -> str:
    return f"Slack refuses: {word}"


def _read(answer: Answer) -> Mapping[str, Any]:
    try:
        found = json.loads(answer.text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


KIND = NotifierKind("slack", "messages in a channel", SlackEnvironment, frozenset(Severity), make)
