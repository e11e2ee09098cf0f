"""Slack as its documentation has it, over a real socket: webhooks, and messages with threads.

https://docs.slack.dev/reference/block-kit, /reference/methods/chat.postMessage, chat.update.
"""

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.servers.services import Service

MAX_BLOCKS = 50
MAX_LENGTHS = {"header": 150, "section": 3000}
TEXT_TYPES = {"header": "plain_text", "section": "mrkdwn"}
# What `<`, `>` and `&` may stand for once a text is escaped.
_CONTROLS = re.compile(
    r"<(?:!(?:here|channel|everyone|subteam\^S[A-Z0-9]+)|@[UW][A-Z0-9]+|https?://[^<>|\s]+\|[^<>|]*)>"
    r"|&(?:amp|lt|gt);"
)


def problem(document: Mapping[str, Any]) -> str:
    """The word with which Slack refuses a message; empty if it takes it."""
    if not document.get("text"):
        return "no_text"
    if len(document.get("blocks", [])) > MAX_BLOCKS:
        return "invalid_blocks"
    refused = any(not _is_block(each) for each in document.get("blocks", []))
    return "invalid_blocks" if refused else ""


def shown(document: Mapping[str, Any]) -> str:
    """All that people read of a message."""
    return "\n".join(each["text"]["text"] for each in document["blocks"])


def stray(document: Mapping[str, Any]) -> list[str]:
    """Control characters that stand for nothing: a text that was not escaped, or cut badly."""
    marked = [each["text"] for each in document["blocks"] if each["type"] == "section"]
    texts = [document["text"], *(each["text"] for each in marked)]
    return [text for text in texts if re.search(r"[<>&]", _CONTROLS.sub("", text))]


def _is_block(block: Mapping[str, Any]) -> bool:
    kind, text = block["type"], block["text"]
    extra = {"plain_text": {"emoji"}, "mrkdwn": {"verbatim"}}[text["type"]]
    right_type = text["type"] == TEXT_TYPES.get(kind) and set(text) <= {"type", "text", *extra}
    return right_type and 1 <= len(text["text"]) <= MAX_LENGTHS[kind]


class SlackWebhookService(Service):
    """An incoming webhook; answers ``ok``, or 400 ``invalid_payload``."""

    def answer(self, request: web.Request, document: Any) -> web.Response:
        """What an incoming webhook says."""
        if problem(document):
            return web.Response(status=400, text="invalid_payload")
        return super().answer(request, document)


class SlackApi(Service):
    """The Web API for one bot in one channel.

    ``messages`` are what the channel shows by ``ts``, ``replies`` what its threads show as
    (``thread_ts``, message). ``taken`` says of each document by which ``method`` it came.
    """

    def __init__(self, token: str, channel: str = "C0", name: str = "#alerts") -> None:
        super().__init__()
        self._token, self._channel, self._name = token, channel, name
        self.messages: dict[str, dict[str, Any]] = {}
        self.replies: list[tuple[str, dict[str, Any]]] = []
        self.reads: list[str] = []
        # What reading methods are refused with, as a token without the scope is.
        self.read_error = ""

    def routes(self, app: web.Application) -> None:
        """Methods that read take a query."""
        app.router.add_get("/{path:.*}", self._read)

    async def _read(self, request: web.Request) -> web.Response:
        method, query = request.path.rsplit("/", 1)[1], request.query
        self.reads.append(method)
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if self.read_error:
            return web.json_response({"ok": False, "error": self.read_error})
        if method == "conversations.list":
            channel = {"id": self._channel, "name": self._name.removeprefix("#")}
            return web.json_response({"ok": True, "channels": [channel]})
        if query.get("channel") != self._channel:
            return web.json_response({"ok": False, "error": "channel_not_found"})
        found = dict(self.messages)
        if method == "conversations.replies":
            found = {
                f"r{n}": each for n, (ts, each) in enumerate(self.replies) if ts == query["ts"]
            }
        whole = query.get("include_all_metadata") == "true"
        shown = [
            {
                "ts": ts,
                "text": each["text"],
                **({"metadata": each.get("metadata")} if whole else {}),
            }
            for ts, each in reversed(found.items())
        ]
        return web.json_response({"ok": True, "messages": shown[: int(query["limit"])]})

    def answer(self, request: web.Request, document: Any) -> web.Response:
        """Always 200; errors are in the body."""
        method = request.path.rsplit("/", 1)[1]
        word = self._refused(method, request, document)
        if word:
            return web.json_response({"ok": False, "error": word})
        ts = self._store(method, document)
        super().answer(request, {**document, "method": method})
        return web.json_response({"ok": True, "channel": self._channel, "ts": ts})

    def _refused(self, method: str, request: web.Request, document: Mapping[str, Any]) -> str:
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            return "invalid_auth"
        # chat.update takes no names of channels.
        known = {self._channel} if method == "chat.update" else {self._channel, self._name}
        if document.get("channel") not in known:
            return "channel_not_found"
        place = document.get("ts") if method == "chat.update" else document.get("thread_ts")
        if (place is not None or method == "chat.update") and place not in self.messages:
            return "message_not_found"
        return problem(document)

    def _store(self, method: str, document: dict[str, Any]) -> str:
        if method == "chat.update":
            # Without new metadata the old stays.
            kept = self.messages[document["ts"]].get("metadata")
            self.messages[document["ts"]] = {"metadata": kept, **document}
            return str(document["ts"])
        ts = f"{1700000000 + len(self.taken)}.000100"
        if "thread_ts" in document:
            self.replies.append((document["thread_ts"], document))
        else:
            self.messages[ts] = document
        return ts
