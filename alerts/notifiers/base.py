"""What notifiers share: an HTTP POST whose every failure is a NotifyError."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct

from alerts.model import NotifyError, Severity
from alerts.notifier import Notifier
from alerts.notifiers.session import session_for_attempt
from probe.core.environment import Environment
from probe.net.fetch.failure import reason_of
from probe.net.proxies import options_for
from probe.net.urls import show_host

if TYPE_CHECKING:
    import aiohttp

# A service that needs longer is retried later. One that has taken the request gets more time: what
# it accepts after that would be sent again.
CONNECT_SECONDS, TIMEOUT_SECONDS = 10.0, 32.0
# Of a cluster's members, one that has not answered by then, all its requests together, has not
# taken a message; nor one that is so much later than another, which is not waited for again so
# soon.
MEMBER_SECONDS, LATE_SECONDS, LATE_AGAIN_SECONDS = 30.0, 5.0, 60.0
MAX_ANSWER = 65536
# Statuses of RFC 9110 that may pass on a later attempt.
PASSING = frozenset({408, 425, 429})
_WORD = re.compile(r"(?=.{2,60}\Z)[a-z]+(_[a-z]+)*")

E = TypeVar("E", bound=Environment)


class NotifierKind(Struct, Generic[E], frozen=True):
    """One kind of notifier: its variables, its default severities, and how it is made from its
    variables (None: it is not configured). ``deduplicates``: the service takes messages with
    the same key as one incident, however many probes send them. ``load`` imports what sending
    needs, which takes time that no message should wait for."""

    name: str
    summary: str
    environment: type[E]
    severities: frozenset[Severity]
    make: Callable[[E], Notifier | None]
    deduplicates: bool = False
    load: Callable[[], None] = lambda: None


class HttpAnswer(Struct, frozen=True):
    """What a service answered: status, header fields in lower case, text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def is_page(self) -> bool:
        """Whether it is an HTML page, as a login page or a captive portal answers for a service."""
        return self.text.lstrip("\ufeff \t\r\n")[:1] == "<"

    @property
    def date(self) -> float | None:
        """When it was sent by the service's clock (RFC 9110, 6.6.1), in seconds since 1970; None
        if it doesn't say."""
        return _moment(self.headers.get("date", ""))

    @property
    def retry_after(self) -> float | None:
        """Seconds that it asks us to wait: a number, or until a date (RFC 9110, 10.2.3) by its own
        clock, if it says what that shows."""
        value = self.headers.get("retry-after", "")
        try:
            return float(value)
        except ValueError:
            pass
        until, now = _moment(value), self.date
        if until is None:
            return None
        return max(until - (time.time() if now is None else now), 0.0)


def _moment(text: str) -> float | None:
    """An HTTP date (RFC 9110, 5.6.7) in seconds since 1970; None for what is none. HTTP's dates are
    in UTC, so one without an offset is too."""
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return None


class ClusterMembers:
    """Sends the same to every member of a cluster, any of which is enough. One that does not answer
    holds up neither the message nor what is sent next. ``clock`` is the monotonic clock."""

    def __init__(self, urls: Iterable[str], clock: Callable[[], float] = time.monotonic) -> None:
        self.urls, self._clock = tuple(urls), clock
        self._late_until: dict[str, float] = {}

    async def send(self, post: Callable[[str], Awaitable[None]]) -> list[NotifyError]:
        """Why members have not taken what ``post`` sends to each, by raising NotifyError."""
        tasks = {url: asyncio.create_task(_by_deadline(post, url)) for url in self.urls}
        try:
            await self._wait_for(tasks)
            return [error for url in self.urls if (error := self._outcome(url, tasks[url]))]
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def _wait_for(self, tasks: Mapping[str, asyncio.Task[NotifyError | None]]) -> None:
        """Until all have ended, or the others are late."""
        left = set(tasks.values())
        while left:
            ended, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            if any(task.result() is None for task in ended):
                break
        now = self._clock()
        late = {tasks[url] for url, until in self._late_until.items() if now < until}
        if waited := left - late:
            await asyncio.wait(waited, timeout=LATE_SECONDS)

    def _outcome(self, url: str, task: asyncio.Task[NotifyError | None]) -> NotifyError | None:
        if task.done():
            self._late_until.pop(url, None)
            return task.result()
        now = self._clock()
        if self._late_until.get(url, now) <= now:
            self._late_until[url] = now + LATE_AGAIN_SECONDS
        return NotifyError(f"{show_host(url)} does not answer")


async def _by_deadline(post: Callable[[str], Awaitable[None]], url: str) -> NotifyError | None:
    try:
        async with asyncio.timeout(MEMBER_SECONDS):
            await post(url)
    except TimeoutError:
        return NotifyError(f"{show_host(url)} does not answer within {MEMBER_SECONDS:g} s")
    except NotifyError as error:
        return error
    return None


async def post(
    url: str,
    *,
    json: object = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """POST to a service. Raises NotifyError, which names the host alone: paths are secrets."""
    data = None if body is None else BytesIO(body)
    return await request("POST", url, json=json, data=data, headers=headers)


async def request(
    method: str, url: str, *, longest: int = MAX_ANSWER, **content: Any
) -> HttpAnswer:
    """Any request to a service; ``content`` is aiohttp's. At most ``longest`` bytes of the answer
    are read, and an answer that breaks off after its header is one. Raises NotifyError like
    :func:`post`."""
    from probe.net.flow.aiohttp_import import aiohttp

    host = show_host(url)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, connect=CONNECT_SECONDS)
    try:
        async with (
            session_for_attempt(longest, timeout=timeout) as session,
            session.request(
                method, url, allow_redirects=False, **content, **options_for(url)
            ) as response,
        ):
            text = (await _what_came(response, longest)).decode("utf-8", "replace")
            fields = {name.lower(): value for name, value in response.headers.items()}
            return HttpAnswer(response.status, fields, text)
    except aiohttp.ConnectionTimeoutError:
        raise NotifyError(f"{host}: no connection within {CONNECT_SECONDS:g} s") from None
    except TimeoutError:
        raise NotifyError(f"{host} does not answer within {TIMEOUT_SECONDS:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NotifyError(f"{host}: {reason_of(error)}") from None


async def body_of(response: "aiohttp.ClientResponse", longest: int) -> AsyncIterator[bytes]:
    """The body in pieces, up to a number of bytes: one read gives what has come so far."""
    left = longest
    while left > 0 and (more := await response.content.read(left)):
        left -= len(more)
        yield more


async def _what_came(response: "aiohttp.ClientResponse", longest: int) -> bytes:
    """The body, up to a number of bytes or to where it breaks off: the status has been received,
    and a message that was accepted is not sent again for the sake of what comes after it."""
    from probe.net.flow.aiohttp_import import aiohttp

    body = b""
    with suppress(aiohttp.ClientError, OSError):
        async for piece in body_of(response, longest):
            body += piece
    return body


def error_from_answer(answer: HttpAnswer, service: str, code: str = "") -> NotifyError:
    """An unsuccessful answer as an error: 4xx is permanent, except PASSING."""
    permanent = 400 <= answer.status < 500 and answer.status not in PASSING
    value = f" ({code})" if code else ""
    return NotifyError(
        f"{service} answers {answer.status}{value}",
        permanent=permanent,
        retry_after=answer.retry_after,
    )


def error_code(text: str) -> str:
    """A service's own error code (``no_service``), if it is one.

    Anything else could be a secret of ours, sent back.
    """
    code = text.strip()
    return code if _WORD.fullmatch(code) else ""
