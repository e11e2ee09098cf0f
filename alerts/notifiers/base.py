"""What notifiers share: one way to ask a service over HTTP, every ending made a NotifyError."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from alerts.model import NotifyError, Severity
from alerts.notifier import Notifier
from probe.net.urls import show_host
from probe.variables import Environment

# A service that needs longer is asked again later.
TIMEOUT_SECONDS = 10.0
LONGEST_ANSWER = 65536
# Statuses of RFC 9110 that a later attempt may turn out otherwise.
PASSING = frozenset({408, 425, 429})

E = TypeVar("E", bound=Environment)


@dataclass(frozen=True)
class NotifierKind(Generic[E]):
    """One kind of notifier: its variables, what is told through it by itself, and how it is
    made from its variables (None: it is not configured)."""

    name: str
    summary: str
    environment: type[E]
    severities: frozenset[Severity]
    make: Callable[[E], Notifier | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered: status, header fields in lower case, text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def retry_after(self) -> float | None:
        """Seconds that it asks us to wait, if it says so in seconds."""
        try:
            return float(self.headers.get("retry-after", ""))
        except ValueError:
            return None


async def post(
    url: str,
    *,
    json: Any = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """POST to a service. Raises NotifyError, which names the host alone: paths are secrets."""
    import aiohttp

    host = show_host(url)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.post(
                url, json=json, data=body, headers=headers, allow_redirects=False
            ) as response,
        ):
            text = (await response.content.read(LONGEST_ANSWER)).decode("utf-8", "replace")
            fields = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, fields, text)
    except (TimeoutError, asyncio.IncompleteReadError):
        raise NotifyError(f"{host} does not answer within {TIMEOUT_SECONDS:g} s") from None
    except ssl.SSLError:
        raise NotifyError(f"{host}: the TLS handshake failed") from None
    except (aiohttp.ClientError, OSError) as error:
        raise NotifyError(f"{host}: {type(error).__name__}") from None


def refuse(answer: Answer, service: str, word: str = "") -> NotifyError:
    """An answer that is no success, as an error: 4xx is for good, but for PASSING."""
    permanent = 400 <= answer.status < 500 and answer.status not in PASSING
    said = f" ({word})" if word else ""
    return NotifyError(
        f"{service} answers {answer.status}{said}",
        permanent=permanent,
        retry_after=answer.retry_after,
    )


def word_of(text: str) -> str:
    """A service's own word for what is wrong, if it is one; more could hold anything."""
    word = text.strip()[:60]
    return word if word.replace("_", "").replace("-", "").isalnum() else ""
