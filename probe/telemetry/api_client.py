"""Asking an instrument: bounded answers, and every failure of it made "not measured"."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from msgspec import Struct
from yarl import URL

from probe.core.causes import Cause
from probe.core.model import CheckAborted, CheckFailed, NotMeasured
from probe.net.http import fresh_client
from probe.net.http_status import status_error
from probe.untrusted.json_document import InvalidDocument, parse_json, read_json
from probe.untrusted.text import excerpt

# An API says in fewer bytes why it refuses.
_MAX_REFUSAL = 1 << 14


class ApiAnswer(Struct, frozen=True):
    """What came back: status, body, and for how many seconds it wants to be left alone."""

    status: int
    body: bytes
    retry_after: float | None = None


@dataclass(frozen=True)
class ApiClient:
    """One instrument at ``base``, a web address without a slash at its end.

    ``headers`` may hold a token; no message repeats them. ``name`` is the instrument's, for
    people. ``most_bytes`` is as much as an answer may have.
    """

    name: str
    base: str = field(repr=False)
    clock: Callable[[], float]
    headers: Mapping[str, str] = field(repr=False)
    most_bytes: int
    ca_file: Path | None = None

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, max_redirects: int | None = None
    ) -> ApiAnswer:
        """Ask once, over a fresh connection, by default following no redirect.

        Raises NotMeasured with a cause of the network, or body_too_large.
        """
        url = URL(self.base + path).update_query(dict(query or {}))
        host = url.host_port_subcomponent or ""
        if any(name.lower() == "authorization" for name in self.headers):
            url = url.with_user(None)
        try:
            async with (
                fresh_client(ca_file=self.ca_file, clock=self.clock, host=host) as browser,
                browser.open(str(url), max_redirects=max_redirects, headers=self.headers) as page,
            ):
                body = await browser.read(page, self.most_bytes)
                return ApiAnswer(page.response.status, body, _seconds(page.response.headers))
        except CheckFailed as aborted:
            raise as_not_measured(aborted, self.name) from None

    def refused(self, answer: ApiAnswer, hint: str = "") -> NotMeasured:
        """What a status means that is not the one hoped for. ``hint`` says what to try where
        the status itself says nothing."""
        try:
            status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
        except ValueError:
            status = str(answer.status)
        detail = _detail(answer.body)
        message = f"{self.name} answers {status}" + (f": {detail}" if detail else "")
        aborted = status_error(answer.status, message, credential=self._has_credential)
        hint = hint if aborted.cause is not Cause.RATE_LIMITED else ""
        return NotMeasured(aborted.cause, message, hint=hint or aborted.hint)

    @property
    def _has_credential(self) -> bool:
        return bool(self.headers) or URL(self.base).user is not None

    async def document(self, answer: ApiAnswer) -> Any:
        """The JSON of an answer. Raises NotMeasured(body_invalid)."""
        try:
            return await read_json(answer.body, max_bytes=self.most_bytes)
        except InvalidDocument as error:
            message = f"{self.name} answers no JSON: {error}"
            raise NotMeasured(Cause.BODY_INVALID, message) from None


def as_not_measured(aborted: CheckAborted, name: str) -> NotMeasured:
    """The same, as an instrument's failure: it says nothing about the target."""
    message = aborted.message if name in aborted.message else f"{name}: {aborted.message}"
    return NotMeasured(aborted.cause, message, phase=aborted.phase, hint=aborted.hint)


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Retry-After (RFC 9110, 10.2.3) where it is a number of seconds."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def _detail(body: bytes) -> str:
    """An API's own reason for a refusal, as far as they are harmless."""
    try:
        document = parse_json(body, max_bytes=_MAX_REFUSAL)
    except InvalidDocument:
        return ""
    text = document.get("error") if isinstance(document, dict) else None
    return excerpt(text) if isinstance(text, str) else ""
