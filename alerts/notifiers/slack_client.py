"""Slack's own client (slack-sdk), with what it leaves open closed.

It reads proxies from the environment by rules of its own, so ours is handed in; it follows
redirects with the whole message, which is refused; a session that is handed in has no timeout,
so each call has a deadline. Its handlers repeat once what failed on the way or inside Slack,
but for what posts a message: Slack may have it, and the outbox, which repeats it, looks for it
first. They don't handle 429: their sleep has no bound, and the outbox waits as long as Slack asks
without holding anything up. A webhook's message is repeated by the outbox alone. Nothing of a
request is logged: a webhook's address is a secret.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from probe.net.flow.aiohttp_import import aiohttp  # before slack-sdk imports it

# isort: split

from slack_sdk.errors import SlackClientError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from alerts.model import NotifyError
from alerts.notifiers.base import (
    CONNECT_SECONDS,
    MAX_ANSWER,
    TIMEOUT_SECONDS,
    HttpAnswer,
    body_of,
)
from alerts.notifiers.session import session_for_attempt
from probe.net.fetch.failure import reason_of
from probe.net.proxies import proxy_for
from probe.net.urls import show_host
from probe.untrusted.json_document import InvalidDocument, parse_json

POST_MESSAGE = "chat.postMessage"
# At debug level slack-sdk would log addresses, and it asks for the logger's own level.
_LOGGER = logging.getLogger("slack_sdk")
_LOGGER.setLevel(logging.WARNING)
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS)
# An answer that is no success is an error of slack-sdk's; so is one that it can't read.
_ERRORS = (
    aiohttp.ClientError,
    SlackClientError,
    AttributeError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


async def post_webhook(url: str, content: Mapping[str, Any]) -> HttpAnswer:
    """Post a message to an incoming webhook. Raises NotifyError, which names the host alone."""

    async def send(session: aiohttp.ClientSession) -> None:
        client = AsyncWebhookClient(url, session=session, logger=_LOGGER, retry_handlers=[])
        client.proxy = _proxy(url)
        await client.send_dict(dict(content))

    return await _answer_of(url, send)


async def call_method(
    api_url: str, token: str, method: str, arguments: Mapping[str, Any], *, reads: bool = False
) -> HttpAnswer:
    """Call a method of the Web API, which takes a query where it only ``reads``. Raises
    NotifyError, which names the host alone."""

    async def send(session: aiohttp.ClientSession) -> None:
        client = AsyncWebClient(
            token,
            base_url=f"{api_url}/",
            session=session,
            logger=_LOGGER,
            retry_handlers=_retry_handlers(method),
        )
        client.proxy = _proxy(api_url)
        if reads:
            await client.api_call(method, http_verb="GET", params=dict(arguments))
        else:
            await client.api_call(method, json=dict(arguments))

    return await _answer_of(api_url, send)


def _retry_handlers(method: str) -> list[AsyncRetryHandler]:
    """What repeats a call at once; nothing where two calls are two messages."""
    if method == POST_MESSAGE:
        return []
    return [AsyncConnectionErrorRetryHandler(), AsyncServerErrorRetryHandler()]


def document_of(answer: HttpAnswer) -> Mapping[str, Any]:
    """What a method of the Web API answers; empty for what is no JSON object."""
    try:
        found = parse_json(answer.text)
    except InvalidDocument:
        return {}
    return found if isinstance(found, dict) else {}


class _Answers:
    """Keeps the last answer as it came, and nothing of it for slack-sdk: that would read an answer
    of any length, and trip over what isn't Slack's own."""

    def __init__(self) -> None:
        self.last: HttpAnswer | None = None

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        self.last = None
        response = await handler(request)
        try:
            self.last = await _answer(response)
        except BaseException:
            response.close()
            raise
        return response


async def _answer(response: aiohttp.ClientResponse) -> HttpAnswer:
    if 300 <= response.status < 400:
        raise NotifyError(f"Slack answers {response.status}")
    body = b"".join([piece async for piece in body_of(response, MAX_ANSWER + 1)])
    if len(body) > MAX_ANSWER:
        raise NotifyError(f"Slack answers {response.status} with too much text")
    fields = {name.lower(): value for name, value in response.headers.items()}
    return HttpAnswer(response.status, fields, body.decode("utf-8", "replace"))


async def _answer_of(
    url: str, send: Callable[[aiohttp.ClientSession], Awaitable[None]]
) -> HttpAnswer:
    host, answers = show_host(url), _Answers()
    try:
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            session_for_attempt(MAX_ANSWER, timeout=_TIMEOUT, middlewares=(answers,)) as session,
        ):
            try:
                await send(session)
            except _ERRORS:
                # What slack-sdk makes of an answer is no reason to reset its connection.
                if answers.last is None:
                    raise
    except aiohttp.ConnectionTimeoutError:
        raise NotifyError(f"{host}: no connection within {CONNECT_SECONDS:g} s") from None
    except TimeoutError:
        raise NotifyError(f"{host} does not answer within {TIMEOUT_SECONDS:g} s") from None
    except _ERRORS as error:
        raise NotifyError(f"{host}: {reason_of(error)}") from None
    if answers.last is None:
        raise NotifyError(f"{host}: no answer")
    return answers.last


def _proxy(url: str) -> str | None:
    proxy = proxy_for(url)
    return proxy.url if proxy is not None else None
